import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { must } from '../foundation/index.ts';
import type { BenchContext, Benchmark, Figure, Figures } from './benchmark.ts';
import { fillLog } from './ingest/fill.ts';
import { GrowthCurve, ratesAround } from './ingest/growth-curve.ts';
import { benchTopic, growingShape } from './ingest/playback-events.ts';
import { Product } from './ingest/product.ts';
import type { ProcessMemory } from './process-meter.ts';
import { loadingMsOf, type RivalBounds } from './rivals/grow-rival.ts';
import { type GrownRival, growRivals, type RivalWork, rivalFigures } from './rivals/grow-rivals.ts';
import { folderBytes, type RivalName } from './rivals/rival.ts';

const million = 1_000_000;
const eventsDefault = 50 * million;
const quickEvents = 200_000;
const rivalEventsDefault = 10 * million;
/** Half an hour of loading each; the slowest is then stopped where it is, and its figures say where. */
const rivalMsMax = 1_800_000;
/** Two hours: 50 million events at a tenth of the rate that is asked for. */
const timeoutMs = 7_200_000;

/** A mark's rate is that of its last tenth; the first mark's is that of all but its first tenth, in which the process warms up. */
const window = 0.1;

/** Sizes at which the rate is told. */
function marksOf(events: number): readonly number[] {
  const marks = [million, 10 * million, 50 * million].filter((mark) => mark < events);
  return marks.length === 0 ? [events / 10, events] : [...marks, events];
}

function rivalWork(context: BenchContext): RivalWork {
  const eventsMax = context.rivalEvents ?? (context.quick ? 100_000 : rivalEventsDefault);
  const bounds = context.quick
    ? { eventsMax, loadingMsMax: 5000, trialEvents: 2000 }
    : { eventsMax, loadingMsMax: rivalMsMax, trialEvents: 40_000 };
  const within = (name: RivalName): RivalBounds => ({
    ...bounds,
    loadingMsMax: loadingMsOf(context, name, bounds.loadingMsMax),
  });
  return { postgresql: within('postgresql'), neo4j: within('neo4j') };
}

/** What was seen as soon as so many events were consumed. */
interface Passed {
  readonly mark: number;
  readonly bytesPerEvent: number;
  /** So far. */
  readonly peak: ProcessMemory;
}

interface Grown {
  readonly curve: GrowthCurve;
  readonly passed: readonly Passed[];
  readonly peak: ProcessMemory;
  readonly storeBytes: number;
  readonly logBytes: number;
}

async function growProduct(context: BenchContext, events: number): Promise<Grown> {
  const data = join(context.tempDir, 'growth');
  const shape = growingShape(events, popularityOf(context));
  context.log(`writing ${events} events of ${shape.accounts} accounts into the embedded log`);
  await fillLog(data, events, context.seed, shape);
  context.log('applying them');
  const product = await Product.start(['--data', data, '--topics', benchTopic]);
  try {
    const curve = new GrowthCurve();
    const ahead = [...marksOf(events)];
    const passed: Passed[] = [];
    let told = 0;
    const { status } = await product.untilConsumed(events, timeoutMs, async (consumed, seconds) => {
      curve.add(consumed, seconds);
      while (ahead[0] !== undefined && ahead[0] <= consumed) {
        const mark = must(ahead.shift(), 'it is ahead');
        product.sampleMemory();
        const bytes = await folderBytes(join(data, 'store'));
        passed.push({ mark, bytesPerEvent: bytes / consumed, peak: product.peakMemory });
      }
      if (consumed < told + events / 20) return;
      told = consumed;
      context.log(`${consumed} after ${Math.round(seconds)} s`);
    });
    if (status.applied !== events) throw new Error(`${events - status.applied} events were not applied`);
    const storeBytes = await folderBytes(join(data, 'store'));
    const logBytes = await folderBytes(join(data, 'log'));
    return { curve, passed, peak: product.peakMemory, storeBytes, logBytes };
  } finally {
    await product.stop();
    // Rivals need the room.
    await rm(data, { recursive: true, force: true });
  }
}

function popularityOf({ zipf }: BenchContext): 'even' | 'zipf' {
  return zipf ? 'zipf' : 'even';
}

async function run(context: BenchContext): Promise<Figures> {
  const events = context.events ?? (context.quick ? quickEvents : eventsDefault);
  const grown = await growProduct(context, events);
  const ours = growthFigures(events, grown);
  // Said before the rivals' hour begins.
  for (const [key, { value, unit }] of Object.entries(ours))
    context.log(`${key} ${value.toFixed(2)} ${unit}`);
  const shaped = {
    seed: context.seed,
    shape: growingShape(events, popularityOf(context)),
    startMs: Date.now() - events,
    spacingMs: 1,
  };
  const rivals = await growRivals(context, shaped, rivalWork(context));
  return { ...ours, ...rivalFigures(rivals), ...leads(grown.curve, marksOf(events), rivals) };
}

function growthFigures(events: number, { curve, passed, peak, storeBytes, logBytes }: Grown): Figures {
  const figures: Record<string, Figure> = {};
  const marks = marksOf(events);
  const smallest = must(marks[0], 'there is a size');
  const first = curve.rate(smallest * window, smallest);
  for (const [index, mark] of marks.entries()) {
    const rate = index === 0 ? first : curve.rate(mark * (1 - window), mark);
    figures[`growth.rateAt${readable(mark)}`] = { value: rate, unit: 'events/s' };
    if (index > 0) figures[`growth.ratioAt${readable(mark)}`] = { value: rate / first, unit: 'of the first' };
  }
  for (const { mark, bytesPerEvent, peak: soFar } of passed) {
    const at = `At${readable(mark)}`;
    figures[`growth.storeBytesPerEvent${at}`] = { value: bytesPerEvent, unit: 'B' };
    figures[`memory.peakMiB${at}`] = { value: soFar.residentMiB, unit: 'MiB' };
    figures[`memory.anonymous.peakMiB${at}`] = { value: soFar.anonymousMiB, unit: 'MiB' };
  }
  return {
    ...figures,
    'growth.eventsPerSecond': { value: curve.rate(0, events), unit: 'events/s' },
    'growth.slowestWindow': { value: curve.slowest(events / 50), unit: 'events/s' },
    'growth.storeBytesPerEvent': { value: storeBytes / events, unit: 'B' },
    'growth.logBytesPerEvent': { value: logBytes / events, unit: 'B' },
    'memory.peakMiB': { value: peak.residentMiB, unit: 'MiB' },
    'memory.anonymous.peakMiB': { value: peak.anonymousMiB, unit: 'MiB' },
  };
}

/** How many times as fast we are, at the sizes at which the rival's early and late rates were measured, and around each mark to which it came. */
function leads(curve: GrowthCurve, marks: readonly number[], rivals: readonly GrownRival[]): Figures {
  const figures: Record<string, Figure> = {};
  for (const rival of rivals) {
    const { name, events, early, late } = rival;
    const within = Math.min(events, curve.events);
    const times = (rate: number, rival: number): Figure => ({ value: rate / rival, unit: 'times' });
    figures[`lead.${name}.early`] = times(curve.rate(0, within * 0.2), early);
    figures[`lead.${name}.late`] = times(curve.rate(within * 0.8, within), late);
    for (const mark of marks) {
      const around = ratesAround(mark, window, curve, rival);
      if (around === null) continue;
      const at = `at${readable(mark)}`;
      figures[`rival.${name}.${at}.eventsPerSecond`] = { value: around.theirs, unit: 'events/s' };
      figures[`lead.${name}.${at}`] = times(around.ours, around.theirs);
    }
  }
  return figures;
}

function readable(events: number): string {
  if (events % million === 0) return `${events / million}M`;
  return events % 1000 === 0 ? `${events / 1000}k` : String(events);
}

const growth: Benchmark = {
  name: 'growth',
  description:
    'Events/s of the whole product from the embedded log as its graph grows: the first million, the tenth, and the last tenth at the ' +
    'end (50 million unless --events says otherwise), in one run, with memory and disk an event at each; and of PostgreSQL and Neo4j grown to ' +
    '--rival-events (10 million) or for --rival-seconds (half an hour each), and our lead around each of these sizes to which they came.',
  notMeasured: [
    'Kafka, a network, and queries beside ingestion: see ingest',
    'years of uptime: deletes, time to live and a log that is cut off at its end',
    'members who come and go: all accounts (one for 50 events) are drawn evenly from the start, and so are 10,000 titles unless --zipf is given',
    'a rate at a moment: each is that of a window, the first mark without its first tenth, in which the process warms up, the others over the last tenth of the size',
    'rivals beyond the size that rival.NAME.events tells: rates are without the pauses between stretches',
    'one start for all: lead.NAME.early compares our first fifth of what the rival came to, from a cold start of the process, with the first fifth of what the rival took after its warm-up (an untimed trial, then one with each size of batch); late is the last fifth of both',
    'a size to the event: lead.NAME.at1M is that of a tenth of the size before it and a tenth behind it, the same for both, or as far as the rival came',
    'a store at rest: storeBytesPerEventAt1M and the like are what lies in the folder at that moment, with files that are not merged yet and LevelDB’s log; peaks are those of all until then, of looks four times a second',
  ],
  run,
};

export default growth;
