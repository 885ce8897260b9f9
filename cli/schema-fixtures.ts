import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { BadDataError } from '../foundation/index.ts';
import type { MappingPlan } from '../schemas/index.ts';
import type { CompiledSource } from './schema-check.ts';
import { bareName, readText, unreadable } from './schema-files.ts';
import { type Trial, type TrialRows, tryGenerated, tryJson } from './schema-trial.ts';

export type FixtureOutcome = { readonly file: string } & (
  | { readonly result: 'same' | 'written' }
  | { readonly result: 'different'; readonly expected: string; readonly actual: string }
  | { readonly result: 'broken'; readonly reason: string }
);

/** What an event became; a long is `{"long": "42"}`. */
type Expectation =
  | { readonly timeMs: number; readonly eventId: string | null; readonly mutations: unknown }
  | { readonly filtered: true }
  | { readonly deadLetter: string };

/** Beside the schema: `playback.avsc` has `playback.fixtures/`. */
export function fixtureFolder(file: string): string {
  return join(dirname(file), `${bareName(file)}.fixtures`);
}

/**
 * Runs the event of each fixture and compares. With `update`, what it became is written as what is expected, and a schema without
 * any fixture gets generated ones.
 */
export async function runFixtures(
  file: string,
  compiled: CompiledSource,
  update: boolean,
  seed: number,
): Promise<readonly FixtureOutcome[]> {
  const folder = fixtureFolder(file);
  const cases = await caseFiles(folder);
  if (cases.length === 0) return update ? writeGenerated(folder, compiled, seed) : [];
  const outcomes: FixtureOutcome[] = [];
  for (const name of cases) outcomes.push(await runCase(join(folder, name), compiled, update));
  return outcomes;
}

async function runCase(
  file: string,
  { schema, plan }: CompiledSource,
  update: boolean,
): Promise<FixtureOutcome> {
  const given = parseCase(await readText(file));
  if (given === null)
    return { file, result: 'broken', reason: 'must be a JSON object with an `event` and what is `expected`' };
  let actual: Expectation;
  try {
    actual = expectationOf(tryJson(schema, plan, JSON.stringify(given.event), given.rows));
  } catch (error) {
    if (error instanceof BadDataError) return { file, result: 'broken', reason: error.message };
    throw error;
  }
  if (isDeepStrictEqual(plain(actual), given.expected)) return { file, result: 'same' };
  if (!update) {
    return { file, result: 'different', expected: pretty(given.expected), actual: pretty(actual) };
  }
  await write(file, pretty({ event: given.event, ...given.kept, expected: actual }));
  return { file, result: 'written' };
}

async function writeGenerated(
  folder: string,
  { schema, plan }: CompiledSource,
  seed: number,
): Promise<readonly FixtureOutcome[]> {
  const { trials } = tryGenerated(schema, plan, seed);
  const outcomes: FixtureOutcome[] = [];
  for (const [index, trial] of trials.entries()) {
    const file = join(folder, `generated-${String(index + 1).padStart(2, '0')}.json`);
    const event: unknown = JSON.parse(schema.type.toString(trial.event));
    const rows = rowsJson(plan, trial);
    await write(file, pretty({ event, ...rows, expected: expectationOf(trial) }));
    outcomes.push({ file, result: 'written' });
  }
  return outcomes;
}

function expectationOf(trial: Trial): Expectation {
  switch (trial.fate) {
    case 'mapped': {
      const { timeMs, eventId, mutations } = trial.mapped;
      return { timeMs, eventId, mutations };
    }
    case 'filtered':
      return { filtered: true };
    default:
      return { deadLetter: trial.reason };
  }
}

async function caseFiles(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).filter((name) => name.endsWith('.json')).sort();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw unreadable(folder, 'read', error);
  }
}

async function write(file: string, text: string): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, `${text}\n`);
  } catch (cause) {
    throw unreadable(file, 'written', cause);
  }
}

/** Of a mapping without lookups there is nothing to keep. */
function rowsJson(plan: MappingPlan, { rows }: Trial): { readonly rows?: TrialRows } {
  if (plan.lookups.length === 0) return {};
  const given = plan.lookups.map(({ as, schema }) => {
    const row = rows[as] ?? null;
    return [as, row === null ? null : JSON.parse(schema.type.toString(row))] as const;
  });
  return { rows: Object.fromEntries(given) };
}

interface FixtureCase {
  readonly event: unknown;
  /** By the names of the lookups, in Avro's JSON encoding. */
  readonly rows: TrialRows;
  /** The rows as they stand in the file, if they do. */
  readonly kept: { readonly rows?: unknown };
  readonly expected: unknown;
}

function parseCase(text: string): FixtureCase | null {
  try {
    const json: unknown = JSON.parse(text);
    if (typeof json !== 'object' || json === null || !('event' in json)) return null;
    const rows: unknown = 'rows' in json ? json.rows : undefined;
    const isGiven = typeof rows === 'object' && rows !== null;
    return {
      event: json.event,
      rows: isGiven ? Object.fromEntries(Object.entries(rows)) : {},
      kept: isGiven ? { rows } : {},
      expected: 'expected' in json ? json.expected : undefined,
    };
  } catch {
    return null;
  }
}

function plain(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(pretty(value));
}

function pretty(value: unknown): string {
  const text = JSON.stringify(
    value,
    (_key, one: unknown) => (typeof one === 'bigint' ? { long: String(one) } : one),
    2,
  );
  return text ?? '';
}
