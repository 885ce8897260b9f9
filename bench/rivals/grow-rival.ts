import { must } from '../../foundation/index.ts';
import type { BenchContext } from '../benchmark.ts';
import { GrowthCurve } from '../ingest/growth-curve.ts';
import type { PlaybackFacts } from '../ingest/playback-facts.ts';
import type { LoadPlan, Rival, RivalName } from './rival.ts';

export interface RivalBounds {
  /** It ends after so many events or so much loading, whichever comes first. */
  readonly eventsMax: number;
  readonly loadingMsMax: number;
  /** How many events each plan is tried with; plans that need more at once are left out. */
  readonly trialEvents: number;
}

/** How long this rival is loaded: as the command line says, or else as the benchmark does. */
export function loadingMsOf(
  { rivalSeconds }: Pick<BenchContext, 'rivalSeconds'>,
  name: RivalName,
  otherwiseMs: number,
): number {
  const seconds = rivalSeconds[name];
  return seconds === undefined ? otherwiseMs : seconds * 1000;
}

/** Whoever is grown: it is told how many events to load in which way, and says how many seconds that took. */
export interface TimedRival {
  readonly name: string;
  readonly plans: readonly LoadPlan[];
  load(plan: LoadPlan, events: number): Promise<number>;
  countEvents(): Promise<number>;
}

/** A stretch of loading; the making of its events is not in it. */
interface Stretch {
  readonly events: number;
  readonly seconds: number;
}

export interface RivalGrowth {
  readonly plan: LoadPlan;
  /** What it was given, its warm-up included. */
  readonly events: number;
  readonly warmUpEvents: number;
  /** When it had how many, in seconds of loading, its warm-up included. */
  readonly curve: GrowthCurve;
  /** Of all that followed the warm-up. */
  readonly eventsPerSecond: number;
  /** Of the first and the last fifth of the events that followed the warm-up. */
  readonly early: number;
  readonly late: number;
  /** Of the events given, those that it does not hold. */
  readonly lost: number;
}

const share = 0.2;
/** A stretch lasts about so long, so that a slow rival is looked at the clock often enough. */
const stretchSeconds = 2;

/** Events are made between the stretches that are timed, which gives the rival's own background work a rest that ours does not get. */
export async function growRival(
  rival: Rival,
  facts: PlaybackFacts,
  bounds: RivalBounds,
  log: (line: string) => void,
): Promise<RivalGrowth> {
  const { name, plans } = rival;
  const load = (plan: LoadPlan, events: number): Promise<number> => timeLoad(rival, facts, plan, events);
  return await growTimedRival({ name, plans, load, countEvents: () => rival.countEvents() }, bounds, log);
}

/** Warms a rival up with each of its plans and goes on with the fastest. */
export async function growTimedRival(
  rival: TimedRival,
  bounds: RivalBounds,
  log: (line: string) => void,
): Promise<RivalGrowth> {
  let given = 0;
  let loadingSeconds = 0;
  const curve = new GrowthCurve();
  const stretch = async (plan: LoadPlan, count: number): Promise<Stretch> => {
    const seconds = await rival.load(plan, count);
    given += count;
    loadingSeconds += seconds;
    curve.add(given, loadingSeconds);
    return { events: count, seconds };
  };
  // Once untimed: whatever is compiled at first use.
  const first = must(rival.plans[0], 'a rival has a plan');
  // At least half of the events are left for what is measured.
  const trialEvents = Math.min(
    bounds.trialEvents,
    Math.ceil(bounds.eventsMax / (2 * (rival.plans.length + 1))),
  );
  await stretch(first, trialEvents);
  const trials: { readonly plan: LoadPlan; readonly rate: number }[] = [];
  for (const plan of rival.plans) {
    if (plan !== first && plan.eventsPerBatch * plan.sessions > trialEvents) continue;
    const rate = rateOf([await stretch(plan, trialEvents)]);
    log(
      `${rival.name}: ${plan.eventsPerBatch} events a batch, ${plan.sessions} at once: ${Math.round(rate)} events/s`,
    );
    trials.push({ plan, rate });
  }
  const { plan, rate } = trials.reduce((best, trial) => (trial.rate > best.rate ? trial : best));
  const warmUpEvents = given;
  const unit = plan.eventsPerBatch * plan.sessions;
  const stretches: Stretch[] = [];
  let loadedMs = 0;
  let expected = rate;
  while (given < bounds.eventsMax && loadedMs < bounds.loadingMsMax) {
    const wanted = Math.min(expected * stretchSeconds, bounds.eventsMax - given);
    const count = Math.min(Math.max(1, Math.round(wanted / unit)) * unit, bounds.eventsMax - given);
    const done = await stretch(plan, count);
    stretches.push(done);
    loadedMs += done.seconds * 1000;
    expected = rateOf([done]);
    if (stretches.length % 30 === 0)
      log(`${rival.name}: ${given} events, ${Math.round(expected)} events/s now`);
  }
  const lost = given - (await rival.countEvents());
  if (lost !== 0) log(`${rival.name}: of ${given} events given it holds ${given - lost}`);
  return {
    plan,
    events: given,
    warmUpEvents,
    curve,
    eventsPerSecond: rateOf(stretches),
    early: rateOf(firstShare(stretches)),
    late: rateOf(firstShare(stretches.toReversed())),
    lost,
  };
}

function rateOf(stretches: readonly Stretch[]): number {
  const events = stretches.reduce((sum, stretch) => sum + stretch.events, 0);
  return events / stretches.reduce((sum, stretch) => sum + stretch.seconds, 0);
}

/** Whole stretches, at least one. */
function firstShare(stretches: readonly Stretch[]): readonly Stretch[] {
  const wanted = stretches.reduce((sum, stretch) => sum + stretch.events, 0) * share;
  let events = 0;
  const found: Stretch[] = [];
  for (const stretch of stretches) {
    if (events >= wanted) break;
    found.push(stretch);
    events += stretch.events;
  }
  return found;
}

async function timeLoad(rival: Rival, facts: PlaybackFacts, plan: LoadPlan, count: number): Promise<number> {
  const waiting: (() => Promise<void>)[] = [];
  for (let left = count; left > 0; left -= plan.eventsPerBatch) {
    const batch = facts.take(Math.min(plan.eventsPerBatch, left));
    waiting.push(() => rival.load(batch));
  }
  const began = performance.now();
  const session = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await next();
  };
  await Promise.all(Array.from({ length: plan.sessions }, session));
  return (performance.now() - began) / 1000;
}
