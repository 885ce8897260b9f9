import { type Clock, must, OutageError, RefusedError } from '../../foundation/index.ts';

const sliceMs = 8;

/** Of what is frozen, by itself. */
export const freezingAbandoned = (): Error =>
  new OutageError(
    'AUDIENCE_ABANDONED',
    'The audience was not frozen: it was deleted, or the server was stopped, before that had ended; freeze it again.',
  );
/** Of what somebody waits for. */
export const requestEnded = (): Error =>
  new RefusedError('DEADLINE_EXCEEDED', 'The request has ended; nothing more is looked at for it.');

/** Long work on the thread that answers questions: it gives way after so long, and ends when it is told to. */
export class Turns {
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  readonly #abandoned: () => Error;
  #beganMs: number;

  /** `abandoned` is what it ends with when the signal aborts. */
  constructor(clock: Clock, signal: AbortSignal, abandoned: () => Error) {
    this.#clock = clock;
    this.#signal = signal;
    this.#abandoned = abandoned;
    this.#beganMs = clock.now();
  }

  /** Cheap to call often. Throws when the signal has aborted. */
  async giveWay(): Promise<void> {
    this.check();
    if (this.#clock.now() - this.#beganMs < sliceMs) return;
    await this.#clock.sleep(0);
    this.#beganMs = this.#clock.now();
  }

  check(): void {
    if (this.#signal.aborted) throw this.#abandoned();
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
