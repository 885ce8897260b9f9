import { type Clock, must, OutageError } from '../../foundation/index.ts';

/** Long work on the thread that answers questions: it gives way after so long, and ends when it is told to. */
const sliceMs = 8;

export class Turns {
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  #beganMs: number;

  constructor(clock: Clock, signal: AbortSignal) {
    this.#clock = clock;
    this.#signal = signal;
    this.#beganMs = clock.now();
  }

  /** Cheap to call often. Throws OutageError AUDIENCE_ABANDONED when the server is closing or the audience was deleted meanwhile. */
  async giveWay(): Promise<void> {
    this.check();
    if (this.#clock.now() - this.#beganMs < sliceMs) return;
    await this.#clock.sleep(0);
    this.#beganMs = this.#clock.now();
  }

  check(): void {
    if (!this.#signal.aborted) return;
    throw new OutageError(
      'AUDIENCE_ABANDONED',
      'The audience was not frozen: it was deleted, or the server was stopped, before that had ended; freeze it again.',
    );
  }
}

type Settled<T> =
  | { readonly kind: 'done'; readonly value: T }
  | { readonly kind: 'failed'; readonly error: unknown };

/** What `work` makes of each, in their order, with so many under way at once: while one waits for the disk another is decoded. */
export async function* inOrder<In, Out>(
  items: Iterable<In> | AsyncIterable<In>,
  atOnce: number,
  work: (item: In) => Promise<Out>,
): AsyncGenerator<Out> {
  // Settled, so that one that fails before its turn is nobody's unhandled rejection.
  const running: Promise<Settled<Out>>[] = [];
  const settled = (promise: Promise<Out>): Promise<Settled<Out>> =>
    promise.then(
      (value) => ({ kind: 'done', value }),
      (error: unknown) => ({ kind: 'failed', error }),
    );
  const next = async (): Promise<Out> => {
    const first = await must(running.shift(), 'something is under way');
    if (first.kind === 'failed') throw first.error;
    return first.value;
  };
  try {
    for await (const item of items) {
      running.push(settled(work(item)));
      if (running.length >= atOnce) yield await next();
    }
    while (running.length > 0) yield await next();
  } finally {
    await Promise.all(running);
  }
}
