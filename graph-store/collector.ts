import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { assert } from '../foundation/index.ts';

/** Memory outside V8's heap that one collection may leave waiting for the next. */
const waitingBytesMax = 24 * 2 ** 20;

/**
 * LevelDB's binding frees the rows of a written batch, some fifteen megabytes, when V8 collects the object that stands for them, and tells V8 nothing of their size. This thread
 * makes so little other garbage that a dozen of them would wait: hence a full collection each time a few have gathered. What it costs and saves is in decision 9.
 */
export class NativeMemoryCollector {
  readonly #collect: () => unknown;
  #waitingBytes = 0;

  constructor(collect: () => unknown) {
    this.#collect = collect;
  }

  /** So many bytes are reachable no longer from the next turn on. */
  left(bytes: number): void {
    this.#waitingBytes += bytes;
  }

  /** Where nothing of what was left is on the stack. */
  collectIfDue(): void {
    if (this.#waitingBytes < waitingBytesMax) return;
    this.#waitingBytes = 0;
    this.#collect();
  }
}

/** V8's own collector, which is there for whoever asks by a flag; a context that is new when the flag is set has it. */
export function v8Collector(): () => unknown {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  assert(typeof collect === 'function', 'V8 has a collector');
  return () => collect();
}
