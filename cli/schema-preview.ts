import { BadDataError } from '../foundation/index.ts';
import { compileMap, type MapEvent, type MapSettings } from '../processors/index.ts';
import {
  type AvroSchema,
  compileDecoder,
  type Decode,
  fixtureEvents,
  type MappingPlan,
} from '../schemas/index.ts';
import { declaredLosses } from './schema-declared-losses.ts';
import { countFilled, leavesOf, readLeaves } from './schema-fields.ts';
import { type GraphChange, graphChanges } from './schema-graph-changes.ts';
import { type Entry, entriesIn, type MutationPart } from './schema-preview-entries.ts';

/** A version to run. */
export interface PreviewVersion {
  /** Such as `rides-value version 3` or `rides.avsc`. */
  readonly label: string;
  readonly schema: AvroSchema;
  readonly plan: MappingPlan;
}

/** One record as it was written. `at` names its place: `rides/0/17` or `rides.ndjson:3`. */
export type PreviewSample = { readonly at: string } & (
  | {
      readonly kind: 'event';
      readonly writer: AvroSchema;
      readonly writerId: number;
      readonly bytes: Uint8Array;
      readonly start: number;
    }
  /** No version could make anything of it: a tombstone, or what is no event at all. */
  | { readonly kind: 'empty' }
  | { readonly kind: 'unreadable'; readonly code: string }
);

export interface Example {
  readonly at: string;
  readonly before: string | null;
  readonly after: string | null;
}

/** One kind of thing that events write: a node, edge or step of a type, a delete, or a property of one. */
export interface MutationRow {
  readonly part: MutationPart;
  readonly name: string;
  /** How many came out of all samples; of a property, how many that are not null. */
  readonly before: number;
  readonly after: number;
  readonly appears: number;
  readonly vanishes: number;
  readonly changesValue: number;
  /** Among those: text where a number was, and the like. */
  readonly changesKind: number;
  readonly examples: readonly ({ readonly what: 'appears' | 'vanishes' | 'changes' } & Example)[];
}

export interface FateRow {
  readonly fate: 'applied' | 'filtered' | 'dead letter';
  /** Of a dead letter. */
  readonly code: string;
  readonly before: number;
  readonly after: number;
}

export interface FieldRow {
  readonly path: string;
  /** In how many of the samples it held something. */
  readonly filled: number;
  readonly readBefore: boolean;
  readonly readAfter: boolean;
}

export interface PreviewReport {
  readonly before: string | null;
  readonly after: string;
  readonly samples: number;
  readonly fates: readonly FateRow[];
  readonly mutations: readonly MutationRow[];
  readonly fields: readonly FieldRow[];
  readonly graph: readonly GraphChange[];
  /** Sentences; empty when nothing is lost. */
  readonly losses: readonly string[];
}

type Fate =
  | { readonly fate: 'applied'; readonly entries: ReadonlyMap<string, Entry> }
  | { readonly fate: 'filtered' }
  | { readonly fate: 'dead letter'; readonly code: string };

type Writable<T> = { -readonly [K in keyof T]: T[K] };
type Tally = Writable<Omit<MutationRow, 'examples'>> & { examples: MutationRow['examples'][number][] };

/** A mapping writes as many kinds of things as it declares: a few thousand at most. */
const rowsMax = 10_000;

/** Runs two versions over the same samples, one at a time, and keeps only what differs between them. */
export class Preview {
  readonly #before: Runner | null;
  readonly #after: Runner;
  readonly #nowMs: number;
  readonly #rows = new Map<string, Tally>();
  readonly #fates = new Map<string, Writable<FateRow>>();
  readonly #filled = new Map<string, number>();
  readonly #writers = new Set<AvroSchema>();
  #samples = 0;
  readonly #lostEvents: { count: number; at: string; to: string } = { count: 0, at: '', to: '' };
  readonly #newDead = new Map<string, { count: number; at: string }>();

  constructor(before: PreviewVersion | null, after: PreviewVersion, settings: MapSettings, nowMs: number) {
    this.#before = before === null ? null : new Runner(before, settings);
    this.#after = new Runner(after, settings);
    this.#nowMs = nowMs;
  }

  get samples(): number {
    return this.#samples;
  }

  add(sample: PreviewSample): void {
    this.#samples += 1;
    const before: Fate = this.#before === null ? { fate: 'filtered' } : this.#before.run(sample, this.#nowMs);
    const after = this.#after.run(sample, this.#nowMs);
    this.#countFate(before, 'before');
    this.#countFate(after, 'after');
    this.#countLoss(sample.at, before, after);
    this.#compare(sample.at, entriesOf(before), entriesOf(after));
    this.#countFields(sample);
  }

  report(): PreviewReport {
    const mutations = [...this.#rows.values()].sort(byPartAndName);
    const before = this.#before?.version ?? null;
    const after = this.#after.version;
    return {
      before: before?.label ?? null,
      after: after.label,
      samples: this.#samples,
      fates: [...this.#fates.values()].sort(byFate),
      mutations,
      fields: this.#fields(before, after),
      graph: graphChanges(before?.plan ?? null, after.plan),
      losses: [
        ...this.#eventLosses(),
        ...mutations.flatMap((row) => lossOf(row, mutations)),
        ...(before === null ? [] : declaredLosses(before.plan, after.plan)),
      ],
    };
  }

  #countFate(fate: Fate, side: 'before' | 'after'): void {
    const code = fate.fate === 'dead letter' ? fate.code : '';
    const key = `${fate.fate} ${code}`;
    const row = this.#fates.get(key) ?? { fate: fate.fate, code, before: 0, after: 0 };
    row[side] += 1;
    this.#fates.set(key, row);
  }

  #countLoss(at: string, before: Fate, after: Fate): void {
    if (after.fate === 'dead letter' && before.fate !== 'dead letter') {
      const dead = this.#newDead.get(after.code) ?? { count: 0, at };
      this.#newDead.set(after.code, { ...dead, count: dead.count + 1 });
    } else if (before.fate === 'applied' && after.fate === 'filtered') {
      if (this.#lostEvents.count === 0) this.#lostEvents.at = at;
      this.#lostEvents.count += 1;
    }
  }

  #compare(at: string, before: ReadonlyMap<string, Entry>, after: ReadonlyMap<string, Entry>): void {
    for (const [key, was] of before) {
      const row = this.#row(was);
      const is = after.get(key);
      row.before += 1;
      if (is === undefined) {
        row.vanishes += 1;
        example(row, { what: 'vanishes', at, before: was.shown, after: null });
        continue;
      }
      if (is.shown === was.shown && is.kind === was.kind) continue;
      const isOtherKind = is.kind !== was.kind;
      row.changesValue += 1;
      if (isOtherKind) row.changesKind += 1;
      const shown = ({ shown: text, kind }: Entry): string => (isOtherKind ? `${text} (${kind})` : text);
      example(row, { what: 'changes', at, before: shown(was), after: shown(is) });
    }
    for (const [key, is] of after) {
      const row = this.#row(is);
      row.after += 1;
      if (before.has(key)) continue;
      row.appears += 1;
      example(row, { what: 'appears', at, before: null, after: is.shown });
    }
  }

  #row({ row: key, part, name }: Entry): Tally {
    const known = this.#rows.get(key);
    if (known !== undefined) return known;
    const counts = { before: 0, after: 0, appears: 0, vanishes: 0, changesValue: 0, changesKind: 0 };
    const row: Tally = { part, name, ...counts, examples: [] };
    if (this.#rows.size < rowsMax) this.#rows.set(key, row);
    return row;
  }

  #countFields(sample: PreviewSample): void {
    if (sample.kind !== 'event') return;
    this.#writers.add(sample.writer);
    const event = this.#after.written(sample);
    if (event !== undefined) countFilled(sample.writer, event, this.#filled);
  }

  #fields(before: PreviewVersion | null, after: PreviewVersion): readonly FieldRow[] {
    const readBefore = before === null ? new Set<string>() : readLeaves(before.schema, before.plan);
    const readAfter = readLeaves(after.schema, after.plan);
    const paths = new Set([...this.#writers].flatMap(leavesOf));
    for (const path of [...readBefore, ...readAfter]) paths.add(path);
    return [...paths].map((path) => ({
      path,
      filled: this.#filled.get(path) ?? 0,
      readBefore: readBefore.has(path),
      readAfter: readAfter.has(path),
    }));
  }

  *#eventLosses(): Iterable<string> {
    for (const [code, { count, at }] of this.#newDead)
      yield `${events(count)} would become dead ${count === 1 ? 'letter' : 'letters'} with ${code}, such as ${at}`;
    const { count, at } = this.#lostEvents;
    if (count > 0)
      yield `${events(count)} would be filtered that ${count === 1 ? 'is' : 'are'} applied now, such as ${at}`;
  }
}

/** One version at work. */
class Runner {
  readonly version: PreviewVersion;
  readonly #map: MapEvent;
  readonly #decoders = new Map<AvroSchema, Decode | BadDataError>();
  readonly #writers = new Map<AvroSchema, Decode>();
  /** One a lookup. */
  readonly #rows: readonly unknown[];

  constructor(version: PreviewVersion, settings: MapSettings) {
    this.version = version;
    this.#map = compileMap(version.plan, settings);
    this.#rows = version.plan.lookups.map(({ schema }) => standInRow(schema));
  }

  run(sample: PreviewSample, nowMs: number): Fate {
    if (sample.kind === 'empty') return { fate: 'filtered' };
    if (sample.kind === 'unreadable') return { fate: 'dead letter', code: sample.code };
    try {
      const decode = this.#decoder(sample.writer, sample.writerId);
      const mapped = this.#map(decode(sample.bytes, sample.start, sample.bytes.length), nowMs, this.#rows);
      return mapped === null ? { fate: 'filtered' } : { fate: 'applied', entries: entriesIn(mapped) };
    } catch (error) {
      if (error instanceof BadDataError) return { fate: 'dead letter', code: error.code };
      throw error;
    }
  }

  /** As its own writer's schema has it; undefined when the bytes are none of it. */
  written(sample: PreviewSample & { kind: 'event' }): unknown {
    const { writer, bytes, start } = sample;
    try {
      let decode = this.#writers.get(writer);
      decode ??= compileDecoder(writer, writer, { subject: '', writerId: sample.writerId, readerVersion: 0 });
      this.#writers.set(writer, decode);
      return decode(bytes, start, bytes.length);
    } catch (error) {
      if (error instanceof BadDataError) return undefined;
      throw error;
    }
  }

  #decoder(writer: AvroSchema, writerId: number): Decode {
    let decoder = this.#decoders.get(writer);
    if (decoder === undefined) {
      decoder = this.#compile(writer, writerId);
      this.#decoders.set(writer, decoder);
    }
    if (decoder instanceof BadDataError) throw decoder;
    return decoder;
  }

  #compile(writer: AvroSchema, writerId: number): Decode | BadDataError {
    const { schema, plan } = this.version;
    try {
      const names = { subject: plan.subject, writerId, readerVersion: plan.version };
      return compileDecoder(writer, schema, names);
    } catch (error) {
      if (error instanceof BadDataError) return error;
      throw error;
    }
  }
}

/** The fullest of the generated ones. */
function standInRow(schema: AvroSchema): unknown {
  const { type } = schema;
  const [row] = fixtureEvents(schema, { seed: 1, hints: new Map() })
    .events.map((made) => type.toBuffer(made))
    .sort((a, b) => b.length - a.length);
  return row === undefined ? null : type.fromBuffer(row);
}

const noEntries: ReadonlyMap<string, Entry> = new Map();

function entriesOf(fate: Fate): ReadonlyMap<string, Entry> {
  return fate.fate === 'applied' ? fate.entries : noEntries;
}

function example(row: Tally, given: Tally['examples'][number]): void {
  if (!row.examples.some(({ what }) => what === given.what)) row.examples.push(given);
}

/** A property that vanishes with the node, edge or step that it is of is not said once more. */
function lossOf(row: MutationRow, all: readonly MutationRow[]): readonly string[] {
  const { part, name, before, after, vanishes, examples } = row;
  if (vanishes === 0) return [];
  const owner = all.find((one) => one.part === part && name.startsWith(`${one.name} .`));
  if (owner !== undefined && owner.vanishes >= vanishes) return [];
  const at = examples.find(({ what }) => what === 'vanishes')?.at ?? '';
  const what =
    after === 0
      ? `no ${part} ${name} is left of ${before}`
      : `${vanishes} of ${before} vanish: ${part} ${name}`;
  return [`${what}, such as in ${at}`];
}

function events(count: number): string {
  return count === 1 ? '1 event' : `${count} events`;
}

const fateOrder = ['applied', 'filtered', 'dead letter'] as const;
const partOrder = ['node', 'edge', 'step', 'delete'] as const;

function byFate(a: FateRow, b: FateRow): number {
  return fateOrder.indexOf(a.fate) - fateOrder.indexOf(b.fate) || compare(a.code, b.code);
}

function byPartAndName(a: MutationRow, b: MutationRow): number {
  return partOrder.indexOf(a.part) - partOrder.indexOf(b.part) || compare(a.name, b.name);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
