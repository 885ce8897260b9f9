import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { memberDay } from '../demo/day.ts';
import { titleSnapshot } from '../demo/titles.ts';
import { member } from '../demo/world.ts';
import { must, seededRandom } from '../foundation/index.ts';
import { LookupView } from '../ingest/lookup-view.ts';
import {
  compileLookups,
  compileMap,
  type MapEvent,
  mapSettingsDefault,
  normalizers,
  type ReadRow,
} from '../processors/index.ts';
import { type CaseTables, tableSchemasOf } from '../processors/language-testing.ts';
import {
  AvroSchema,
  compileMapping,
  EventEncoder,
  loadCatalog,
  type MappingPlan,
  wireLimitsDefault,
} from '../schemas/index.ts';
import type { BenchContext, Benchmark, Figure, Figures } from './benchmark.ts';

const languageFolder = join(import.meta.dirname, '..', 'processors', 'language');
/** The case that the others are compared with: one node with one property. */
const plainCase = 'enum';
const nowMs = Date.UTC(2027, 0, 1);
const eventMs = Date.UTC(2026, 10, 21);
const members = 300;
const rounds = 5;
const frameBytes = 5;

/** Decoded events of one type. */
interface Subject {
  readonly schema: AvroSchema;
  readonly events: readonly unknown[];
  readonly tables?: CaseTables;
}

/** Median over the rounds of mapping decoded events on one core; a round before them warms up. */
function eventsPerSecond({ schema, events, tables }: Subject, total: number): number {
  const of = { subject: 'bench-value', version: 1 };
  const plan = compileMapping(of, schema, normalizers, tableSchemasOf(tables));
  const map = withRows(plan, tables);
  const seconds: number[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    const began = performance.now();
    for (let i = 0; i < total; i += 1) map(events[i % events.length], nowMs);
    if (round > 0) seconds.push((performance.now() - began) / 1_000);
  }
  return total / median(seconds);
}

/** Looks rows up as the run time does: of encoded rows, decoded once. */
function withRows(plan: MappingPlan, tables: CaseTables = {}): MapEvent {
  const map = compileMap(plan, mapSettingsDefault);
  const find = compileLookups(plan);
  if (find === null) return map;
  const views = plan.lookups.map(({ topic, schema }) => {
    const writer = { id: 1, schema, readKey: null };
    const rows = new Map(
      Object.entries(tables[topic]?.rows ?? {}).map(([key, row]) => {
        const bytes = schema.type.toBuffer(schema.type.fromString(JSON.stringify(row)));
        return [key, { bytes, writer }];
      }),
    );
    const ignore = (): void => undefined;
    const encoded = (key: string) => rows.get(key) ?? null;
    const keeper = { topic, encoded, unreadable: ignore, wantWriter: ignore };
    return new LookupView(keeper, schema, wireLimitsDefault);
  });
  const readRow: ReadRow = (index, key) => views[index]?.row(key);
  return (event, now) => {
    const found = find(event, readRow);
    return found === null ? null : map(event, now, found.rows);
  };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return must(sorted[Math.floor(sorted.length / 2)], 'there are values');
}

/** The table that events of the catalog look titles up in, as the demo's editors keep it. */
function catalogTables(schemas: ReadonlyMap<string, string>): CaseTables {
  const topic = 'titles.changes';
  const text = must(schemas.get(topic), 'the catalog has titles');
  const { type } = new AvroSchema(text);
  const encoder = new EventEncoder(1, text);
  const rows = titleSnapshot().map(({ key, fields, timed }) => {
    const bytes = encoder.encode({ ...fields, ...timed?.(eventMs) }).subarray(frameBytes);
    const row: object = JSON.parse(type.toString(type.fromBuffer(bytes)));
    return [key, row] as const;
  });
  return { [topic]: { schema: JSON.parse(text), rows: Object.fromEntries(rows) } };
}

/** What the demo's members do in a day, by event type of the catalog. */
async function catalogSubjects(seed: number): Promise<readonly (Subject & { readonly name: string })[]> {
  const random = seededRandom(seed);
  const days = Array.from({ length: members }, (_, number) => memberDay(member(number + 1), random)).flat();
  const catalog = await loadCatalog();
  const tables = catalogTables(new Map(catalog.map(({ topic, text }) => [topic, text])));
  return catalog.map(({ subject, text }) => {
    const schema = new AvroSchema(text);
    const encoder = new EventEncoder(1, text);
    const mine = days.filter(({ topic }) => `${topic}-value` === subject);
    const events = mine.map(({ fields }) => {
      const value = {
        eventId: '00000000-0000-4000-8000-000000000000',
        occurredAt: BigInt(eventMs),
        ...fields,
      };
      return schema.type.fromBuffer(encoder.encode(value).subarray(frameBytes));
    });
    return { name: subject.replace(/-value$/, ''), schema, events, tables };
  });
}

/** The cases of the mapping language, whose events show one construct each. */
function languageSubjects(): ReadonlyMap<string, Subject> {
  const files = readdirSync(languageFolder).filter((file) => file.endsWith('.json'));
  return new Map(
    files.map((file) => {
      const given: { schema: object; event: object; tables?: CaseTables } = JSON.parse(
        readFileSync(join(languageFolder, file), 'utf8'),
      );
      const schema = new AvroSchema(JSON.stringify(given.schema));
      return [
        file.replace(/\.json$/, ''),
        {
          schema,
          events: [schema.type.fromString(JSON.stringify(given.event))],
          ...(given.tables === undefined ? {} : { tables: given.tables }),
        },
      ];
    }),
  );
}

async function run(context: BenchContext): Promise<Figures> {
  const total = context.events ?? (context.quick ? 50_000 : 400_000);
  const figures: Record<string, Figure> = {};
  const rates: number[] = [];
  for (const { name, ...subject } of await catalogSubjects(context.seed)) {
    if (subject.events.length === 0) continue;
    const rate = eventsPerSecond(subject, total);
    context.log(`${name}: ${Math.round(rate)} events/s`);
    rates.push(rate);
  }
  figures['median.eventsPerSecond'] = { value: median(rates), unit: 'events/s' };
  figures['slowest.eventsPerSecond'] = { value: Math.min(...rates), unit: 'events/s' };
  const cases = languageSubjects();
  const plain = 1e9 / eventsPerSecond(must(cases.get(plainCase), 'the plain case is there'), total);
  figures[`${plainCase}.nanoseconds`] = { value: plain, unit: 'ns an event' };
  for (const [name, subject] of cases) {
    if (name === plainCase) continue;
    const cost = 1e9 / eventsPerSecond(subject, total);
    figures[`${name}.nanoseconds`] = { value: cost, unit: 'ns an event' };
  }
  return figures;
}

const processors: Benchmark = {
  name: 'processors',
  description:
    'Decoded events to mutations on one core: the median over the event types of the bundled catalog, as the demo’s members make ' +
    'them, and each case of the mapping language.',
  notMeasured: [
    'decoding, packing, and the store: see the benchmark ingest',
    'caches that other work has emptied: one event type is mapped again and again',
  ],
  run,
};

export default processors;
