import type { ThreadSeconds } from '../ingest/thread-meter.ts';
import type { Questions } from './questions.ts';

/** A server that answers the questions over HTTP. */
export interface ApiTarget {
  readonly name: 'journey-graph' | 'neo4j' | 'postgraphile' | 'constant';
  readonly host: string;
  readonly port: number;
  readonly questions: Questions;
  /** CPU of its threads so far; absent of a server whose work is in other processes too. */
  readonly threadSeconds?: () => ThreadSeconds | null;
  /** Waits until it does no work of its own any more; absent of one that has none. */
  readonly rested?: () => Promise<void>;
  close(): Promise<void>;
}

/** The same data behind a server that can be started with as many workers as one likes. */
export interface ApiRival {
  readonly name: 'neo4j' | 'postgraphile';
  serve(workers: number): Promise<ApiTarget>;
  close(): Promise<void>;
}
