import { AssertionError } from 'node:assert';
import { Worker } from 'node:worker_threads';
import { type JourneyGraphError, OutageError } from '../foundation/index.ts';
import type {
  InspectionJob,
  InspectionOrder,
  InspectionReply,
  InspectionRequest,
} from './leveldb-inspection-protocol.ts';
import type { LevelSettings } from './leveldb-protocol.ts';

/**
 * A thread that reads the whole store once, so that neither events nor questions wait for it. It has a handle of its own on the database,
 * which must be closed before the one that opened first.
 */
export class LevelInspection {
  readonly #worker: Worker;
  readonly #folder: string;
  readonly #exited: Promise<void>;
  #waiting: { resolve(reply: InspectionReply): void; reject(error: Error): void } | null = null;
  #failure: Error | null = null;
  #isStopping = false;

  constructor(settings: LevelSettings, job: InspectionJob) {
    this.#folder = settings.folder;
    const order: InspectionOrder = { settings, job };
    this.#worker = new Worker(workerOf(job), { workerData: order, name: 'graph-store-inspection' });
    this.#worker.on('message', (reply: InspectionReply) => {
      this.#waiting?.resolve(reply);
      this.#waiting = null;
    });
    this.#worker.on('error', (cause) => this.#fail(this.#ended(cause)));
    this.#exited = new Promise((resolve) => {
      this.#worker.on('exit', () => {
        this.#fail(this.#ended(null));
        resolve();
      });
    });
  }

  /** Resolves when the thread has ended; never rejects. */
  get exited(): Promise<void> {
    return this.#exited;
  }

  /** Resolves when the moment is fixed that everything read holds at. */
  async ready(): Promise<void> {
    await this.#next();
  }

  /** Everything after `ready`, read once; the thread has ended behind it. */
  async *replies(): AsyncGenerator<
    Extract<InspectionReply, { kind: 'bytes' | 'event' | 'compared' | 'stats' }>
  > {
    try {
      for (;;) {
        const reply = await this.#next();
        if (reply.kind === 'end' || reply.kind === 'ready' || reply.kind === 'failed') return;
        yield reply;
      }
    } finally {
      await this.stop();
    }
  }

  /** Ends the thread, wherever it is. Idempotent. */
  async stop(): Promise<void> {
    if (!this.#isStopping) this.#send('stop');
    this.#isStopping = true;
    await this.#exited;
  }

  /** As {@link stop}, when the signal says so. */
  stopOn(signal: AbortSignal): void {
    const stop = (): void => void this.stop();
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    void this.#exited.then(() => signal.removeEventListener('abort', stop));
  }

  async #next(): Promise<InspectionReply> {
    if (this.#failure !== null) throw this.#failure;
    if (this.#isStopping) throw this.#ended(null);
    const reply = await new Promise<InspectionReply>((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#send('next');
    });
    if (reply.kind === 'failed') throw failureOf(reply);
    return reply;
  }

  #send(request: InspectionRequest): void {
    this.#worker.postMessage(request);
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#waiting?.reject(this.#failure);
    this.#waiting = null;
  }

  #ended(cause: unknown): OutageError {
    const reason = cause instanceof Error ? `: ${cause.message}` : '';
    return new OutageError(
      'STORE_READ_FAILED',
      `The store in ${this.#folder} was closed, or could not be read, before all of it was${reason}; ask again.`,
      { cause },
    );
  }
}

function workerOf(job: InspectionJob): URL {
  if (job.kind === 'table') return new URL(job.encoding.module);
  // The published package holds JavaScript, a checkout TypeScript: the thread runs what this module runs as.
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return new URL(`./leveldb-inspection-worker.${extension}`, import.meta.url);
}

/** Classes do not survive the way from thread to thread. All of ours that reading throws are outages. */
function failureOf({
  code,
  message,
}: Extract<InspectionReply, { kind: 'failed' }>): JourneyGraphError | AssertionError {
  return code === null ? new AssertionError({ message }) : new OutageError(code, message);
}
