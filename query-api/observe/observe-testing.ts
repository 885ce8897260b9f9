import type { GraphReader } from '../../graph-store/index.ts';
import { LearnedDegrees } from '../cost/degree-statistics.ts';
import type { Cost } from '../cost/field-cost.ts';
import type { ApiServer } from '../server.ts';
import { MeteredReader } from './metered-reader.ts';
import { QueryRun } from './query-run.ts';
import { RequestTrace } from './tracing.ts';

/** A clock in the test's hand. */
export class TestStopwatch {
  ms = 0;
  readonly read = (): number => this.ms;
}

export function testRun(stopwatch: TestStopwatch = new TestStopwatch()): QueryRun {
  return new QueryRun('request-1', new RequestTrace(undefined, '0', 'request-1'), stopwatch.read, false);
}

export interface Metered {
  readonly reader: MeteredReader;
  readonly run: QueryRun;
  readonly degrees: LearnedDegrees;
  readonly ending: AbortController;
  /** What the watcher was told: method, rows, whether it failed. */
  readonly told: (readonly [string, number, boolean])[];
}

export function metered(
  reader: GraphReader,
  budget: Cost = { calls: 100, rows: 1000 },
  tellsUsed = true,
): Metered {
  const run = testRun();
  const degrees = new LearnedDegrees();
  const ending = new AbortController();
  const told: (readonly [string, number, boolean])[] = [];
  const watcher = {
    began: (method: string) => (rows: number, error: unknown) => {
      told.push([method, rows, error !== null]);
    },
  };
  const { signal } = ending;
  return {
    reader: new MeteredReader({ reader, run, signal, budget, tellsUsed, degrees, watcher }),
    run,
    degrees,
    ending,
    told,
  };
}

/** The metrics once they have a line: an answer is counted when its connection has all of it, which its reader may know a moment sooner. */
export async function metricsWith({ url }: ApiServer, line: string): Promise<string> {
  let text = '';
  for (let tries = 0; tries < 200 && !text.includes(line); tries += 1)
    text = await (await fetch(`${url}/metrics`)).text();
  return text;
}
