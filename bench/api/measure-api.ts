import { availableParallelism } from 'node:os';
import type { Figure, Figures } from '../benchmark.ts';
import { microsecondsAnEvent } from '../ingest/thread-meter.ts';
import type { ApiTarget } from './api-target.ts';
import { generateLoad } from './generator.ts';
import type { LoadReport } from './load.ts';
import { bodyParts, type QuestionName } from './questions.ts';
import { searchRate } from './rate-search.ts';

export interface ApiWork {
  /** At which latency is told. */
  readonly fixedRate: Readonly<Record<QuestionName, number>>;
  readonly fixedSeconds: number;
  readonly warmUpSeconds: number;
  readonly trialSeconds: number;
  readonly trialsMax: number;
  /** The search ends when a rate that passed and one that failed are no further apart. */
  readonly within: number;
}

export interface ApiMeter {
  readonly work: ApiWork;
  readonly accounts: number;
  readonly seed: number;
  log(progress: string): void;
}

/** What a service that plans around latency can wait for. */
export const p99LimitMs = 20;
const hiccupFactor = 5;
const refusedShareMax = 0.05;
const connections = 64;
/** Two seconds behind, it has failed, and goes on failing: the rest of the time is saved. */
const behindSecondsMax = 2;
const waitingMin = 200;

function load(
  { accounts, seed }: ApiMeter,
  target: ApiTarget,
  name: QuestionName,
  perSecond: number,
  seconds: number,
): Promise<LoadReport> {
  const { host, port, questions } = target;
  const waitingMax = Math.max(waitingMin, perSecond * behindSecondsMax);
  const body = bodyParts(questions[name]);
  return generateLoad({ host, port, body, accounts, seed, perSecond, seconds, connections, waitingMax });
}

/** Latency at the rate that is asked for: `PREFIXjourney.p99ms` and the like. */
export async function measureFixed(
  meter: ApiMeter,
  target: ApiTarget,
  name: QuestionName,
  prefix: string,
): Promise<Figures> {
  const { fixedRate, fixedSeconds, warmUpSeconds } = meter.work;
  const rate = fixedRate[name];
  await load(meter, target, name, rate / 2, warmUpSeconds);
  // As a server is that has been up for a minute: its code is compiled for this rate.
  await load(meter, target, name, rate, warmUpSeconds);
  const before = target.threadSeconds?.() ?? null;
  const report = await load(meter, target, name, rate, fixedSeconds);
  const cpu = microsecondsAnEvent(before, target.threadSeconds?.() ?? null, report.sent);
  meter.log(`${target.name}: ${name} at ${rate}/s: ${reading(report)}`);
  const key = `${prefix}${name}`;
  return {
    [`${key}.rate`]: { value: rate, unit: 'requests/s' },
    [`${key}.p50ms`]: { value: report.p50Ms, unit: 'ms' },
    [`${key}.p99ms`]: { value: report.p99Ms, unit: 'ms' },
    [`${key}.maxMs`]: { value: report.maxMs, unit: 'ms' },
    [`${key}.errors`]: { value: report.errors, unit: 'requests' },
    [`${key}.bytes`]: { value: report.bytesPerAnswer, unit: 'B an answer' },
    ...cpuFigures(key, cpu),
    ...generatorFigures(key, report),
  };
}

function cpuFigures(key: string, cpu: Readonly<Record<string, number>>): Figures {
  return Object.fromEntries(
    Object.entries(cpu).map(([thread, value]) => [
      `${key}.cpu.${thread}`,
      { value, unit: 'µs of CPU a request' },
    ]),
  );
}

export interface HighestRate {
  readonly rate: number;
  readonly figures: Figures;
}

/** The highest rate that is answered without an error and with p99 below {@link p99LimitMs}: `PREFIXjourney.maxRps`, 0 when there is none. */
export async function measureHighest(
  meter: ApiMeter,
  target: ApiTarget,
  name: QuestionName,
  prefix: string,
): Promise<HighestRate> {
  const { work, log } = meter;
  // Below what is expected: the first trial of a cold server fails, whatever its rate, and what failed is not tried again.
  const startRate = work.fixedRate[name] / 2;
  await load(meter, target, name, startRate, work.warmUpSeconds);
  const { best, trials } = await searchRate({ ...work, startRate }, async (rate) => {
    const first = await load(meter, target, name, rate, work.trialSeconds);
    const again = !holds(first) && mayBeHiccup(first);
    const report = again ? await load(meter, target, name, rate, work.trialSeconds) : first;
    const passes = holds(report);
    log(`${target.name}: ${name} at ${rate}/s ${passes ? 'holds' : 'fails'}: ${reading(report)}`);
    return { passes, report };
  });
  log(`${target.name}: ${name} holds at ${best?.rate ?? 0}/s, found in ${trials} trials`);
  const key = `${prefix}${name}`;
  const figures: Record<string, Figure> = {
    [`${key}.maxRps`]: { value: best?.rate ?? 0, unit: 'requests/s' },
  };
  if (best !== null) {
    figures[`${key}.max.p50ms`] = { value: best.trial.report.p50Ms, unit: 'ms' };
    Object.assign(figures, generatorFigures(`${key}.max`, best.trial.report));
  }
  return { rate: best?.rate ?? 0, figures };
}

function holds({ gaveUp, errors, p99Ms }: LoadReport): boolean {
  return !gaveUp && errors === 0 && p99Ms < p99LimitMs;
}

/**
 * One pause of a tenth of a second, whoever's, fails a trial of some seconds: what fails by little is tried once more, with everybody. What a pause leaves behind
 * is late with a server that lets it wait, and refused with 503 by one that sheds it: a few of these are as little as p99 somewhat too high. The trial itself has
 * to pass without any.
 */
export function mayBeHiccup({ gaveUp, errors, refused, sent, p99Ms }: LoadReport): boolean {
  return (
    !gaveUp && errors === refused && refused < sent * refusedShareMax && p99Ms < p99LimitMs * hiccupFactor
  );
}

function generatorFigures(key: string, { cores, lateP99Ms }: LoadReport): Figures {
  return {
    [`${key}.generatorShare`]: { value: cores / availableParallelism(), unit: 'of the CPU' },
    [`${key}.generatorLateP99ms`]: { value: lateP99Ms, unit: 'ms' },
  };
}

function reading({ p50Ms, p99Ms, errors, firstError, gaveUp, cores }: LoadReport): string {
  const ended = gaveUp ? ', given up' : '';
  const said = firstError === null ? '' : `, ${errors} errors such as ${firstError}`;
  return `p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms, generator ${cores.toFixed(2)} cores${ended}${said}`;
}
