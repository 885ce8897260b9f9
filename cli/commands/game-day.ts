import { readFile, writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { countText, OutageError, RefusedError } from '../../foundation/index.ts';
import {
  bundledConstants,
  bundledScenario,
  bundledScenarioNames,
  type FleetConstants,
  judge,
  type RehearsalResult,
  readConstants,
  readScenario,
  realBounds,
  rehearse,
  renderReport,
  type Scenario,
  type Verdict,
} from '../../live-events/index.ts';
import { type CommandIo, type ExitCode, exitCodes, printable, printableLines } from '../command-io.ts';
import { ProgressLine } from '../progress-line.ts';
import { renderTable } from '../table.ts';
import { playWithSockets, type RealFlags } from './game-day-real.ts';

interface GameDayOptions extends RealFlags {
  readonly seed?: string;
  readonly out?: string;
  readonly constants?: string;
}

const examples = `Examples:
  jg game-day fight-night                        a million devices, by a virtual clock
  jg game-day evening.yaml --out evening.html    your own scenario, with a page of plots
  jg game-day evening.yaml --seed 42 --json | jq .verdict
  jg game-day evening.yaml --constants measured.json
  jg game-day evening.yaml --real 2000 --event fight-1 --members members.txt --speed 60
`;
const codes = `
Exit codes: 0 the plan holds; 1 it does not (the table says where); 2 the scenario is wrong.
Scenarios that come with the product: `;

/** `jg game-day`: a scenario, played by a virtual clock and judged by its own targets. */
export function addGameDay(command: Command, io: CommandIo, finish: (code: ExitCode) => void): void {
  command
    .argument('<scenario>', 'A file in YAML or JSON, or the name of a scenario that comes with the product.')
    .option('--seed <number>', "In place of the scenario's.")
    .option('--out <file>', 'Write the report there, as one HTML file that needs nothing else.')
    .option(
      '--constants <file>',
      'What a device costs, as JSON (default: the figures that come with the product).',
    )
    .option(
      '--real <devices>',
      `Instead with so many real sockets, at most ${realBounds.devicesMax}, against a running server.`,
    )
    .option('--event <id>', 'With --real: an event of that server, which enters its stages by itself.')
    .option('--members <file>', 'With --real: a `Type:id` a line, as `jg audience members` prints them.')
    .option('--speed <times>', 'With --real: the scenario passes so many times as fast (default: 60).')
    .option('--url <url>', 'With --real: the server (default: where `jg up` listens by the settings).')
    .option('--token <token>', 'With --real: bearer token (default: the setting api.token).')
    .option('--json', 'The result and the verdict as one JSON object.')
    .option('--quiet', 'Nothing on standard error but errors.')
    .addHelpText('before', examples)
    .addHelpText('after', `${codes}${bundledScenarioNames().join(', ')}.`)
    .action(async (name: string, options: GameDayOptions) => {
      const scenario = await openScenario(name);
      if (options.real !== undefined) return finish(await playWithSockets(scenario, options, io));
      const constants = await openConstants(options.constants);
      const seed = options.seed === undefined ? scenario.seed : seedOf(options.seed);
      const result = await play(scenario, constants, seed, io, options.quiet === true);
      const verdict = judge(result);
      if (options.out !== undefined) await write(options.out, renderReport(result, verdict));
      io.out(options.json === true ? `${JSON.stringify({ verdict, ...result })}\n` : textOf(result, verdict));
      if (options.out !== undefined && options.quiet !== true)
        io.err(`The report is in ${printable(options.out)}.\n`);
      finish(verdict.passed ? exitCodes.ok : exitCodes.failed);
    });
}

async function play(
  scenario: Scenario,
  constants: FleetConstants,
  seed: number,
  io: CommandIo,
  quiet: boolean,
): Promise<RehearsalResult> {
  const progress = new ProgressLine(io, quiet);
  try {
    const steps = rehearse(scenario, { constants, seed });
    for (let step = steps.next(); ; step = steps.next()) {
      if (step.done === true) return step.value;
      if (io.signal.aborted) break;
      progress.showMinutes('Rehearsing', step.value.nowMs / 60_000);
      // Lets a signal in.
      await io.clock.sleep(0);
    }
  } finally {
    progress.end();
  }
  throw new OutageError('INTERRUPTED', 'The rehearsal was interrupted; nothing can be said.');
}

/** A file goes before a scenario of the product with the same name: somebody put it there. */
async function openScenario(name: string): Promise<Scenario> {
  const text = await scenarioText(name);
  const { scenario, problems } = readScenario(name, text);
  if (scenario !== null) return scenario;
  const message = `The scenario is not valid:\n${problems.map((problem) => `  ${problem}`).join('\n')}`;
  throw new RefusedError('SCENARIO_INVALID', message);
}

async function scenarioText(name: string): Promise<string> {
  try {
    return await readFile(name, 'utf8');
  } catch (cause) {
    const bundled = bundledScenario(name);
    if (bundled !== null) return bundled;
    const known = bundledScenarioNames().join(', ');
    const message = `${name} is no file that can be read (${codeOf(cause)}) and no scenario of the product (${known}).`;
    throw new RefusedError('SCENARIO_UNREADABLE', message, { cause });
  }
}

async function openConstants(file: string | undefined): Promise<FleetConstants> {
  if (file === undefined) return bundledConstants();
  try {
    return readConstants(file, await readFile(file, 'utf8'));
  } catch (cause) {
    if (cause instanceof RefusedError) throw cause;
    throw unusable(file, 'read', cause);
  }
}

async function write(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text);
  } catch (cause) {
    throw unusable(file, 'written', cause);
  }
}

function unusable(file: string, what: 'read' | 'written', cause: unknown): RefusedError {
  const message = `${file} cannot be ${what} (${codeOf(cause)}).`;
  return new RefusedError('GAME_DAY_FILE_UNUSABLE', message, { cause });
}

function codeOf(cause: unknown): string {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown reason';
}

function seedOf(text: string): number {
  const seed = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (seed < 2 ** 32) return seed;
  throw new RefusedError('UNEXPECTED_ARGUMENT', '--seed takes a whole number from 0 to 4294967295.');
}

function textOf(result: RehearsalResult, { checks, passed }: Verdict): string {
  const { scenario, totals, seed, hash, constants, broadcasts } = result;
  const time = (ms: number | null): string => (ms === null ? '-' : countText(ms));
  const reach = broadcasts.map(({ stage, cause, devices, missing, t50Ms, t99Ms, t100Ms }) => [
    stage,
    cause,
    countText(devices),
    time(t50Ms),
    time(t99Ms),
    time(t100Ms),
    countText(missing),
  ]);
  const rows = checks.map((check) => [
    check.passed ? 'passed' : 'FAILED',
    check.name,
    check.target,
    check.actual,
    check.where ?? '',
  ]);
  const head = `${scenario.name}: ${countText(scenario.devices)} devices, ${countText(scenario.fleet.gateways)} gateways, ${countText(totals.events)} events; seed ${seed}, trace ${hash}\n\n`;
  const placeholder = constants.isPlaceholder ? `\nWhat a device costs was not measured here: ${constants.source}.\n` : ''; // biome-ignore format: one row
  const verdict = `\n${passed ? 'The plan holds.' : 'The plan does not hold.'}\n`;
  return printableLines(
    head +
      renderTable(['stage', 'cause', 'connected', 'T50 ms', 'T99 ms', 'T100 ms', 'missing'], reach) +
      (rows.length === 0 ? '' : `\n${renderTable(['', 'what', 'plan', 'came to', 'where'], rows)}`) +
      placeholder +
      verdict,
  );
}
