import { Worker } from 'node:worker_threads';
import { type JourneyGraphError, OutageError, unreachable } from '../foundation/index.ts';
import type { Advance, Applied, Claim, SourcePartition } from './graph-store.ts';
import type {
  LevelSettings,
  RemoveRequest,
  WriterOrder,
  WriterReply,
  WriterRequest,
} from './leveldb-protocol.ts';
import type { PackedMutations } from './packed-format.ts';
import { rejectionError } from './position.ts';
import type { TimeToLive } from './time-to-live.ts';

/** How many rows were still there to be removed, and the rules in force from then on; null when they stay as they are. */
export interface Removed {
  readonly removed: number;
  readonly rules: TimeToLive | null;
}

interface Waiting {
  readonly applied: (applied: Applied) => void;
  readonly claimed: (claim: Claim) => void;
  readonly removed: (removed: Removed) => void;
  readonly kept: (rules: TimeToLive) => void;
  readonly rejected: (error: JourneyGraphError) => void;
}

const ignore = (): void => undefined;
const nobody = { applied: ignore, claimed: ignore, removed: ignore, kept: ignore } as const;

/** The writer's thread as its caller sees it: promises instead of messages. */
export class LevelWriterThread {
  readonly #worker: Worker;
  readonly #folder: string;
  readonly #waiting = new Map<number, Waiting>();
  readonly #exited: Promise<void>;
  #nextId = 1;
  #closing = false;
  #failure: OutageError | null = null;

  private constructor(worker: Worker, folder: string, started: (error: Error | null) => void) {
    this.#worker = worker;
    this.#folder = folder;
    worker.on('message', (reply: WriterReply) => {
      if (reply.kind === 'ready') started(null);
      else this.#receive(reply);
    });
    worker.on('error', (cause) => {
      const error = this.#crashed(cause);
      started(error);
      this.#fail(error);
    });
    this.#exited = new Promise((resolve) => {
      worker.on('exit', () => {
        // Also after a close that was asked for: what was sent behind it has nobody left to answer.
        this.#fail(this.#failure ?? (this.#closing ? this.#closed() : this.#crashed(null)));
        started(this.#failure);
        resolve();
      });
    });
  }

  static async start(settings: LevelSettings, stretches: SharedArrayBuffer): Promise<LevelWriterThread> {
    // The published package holds JavaScript, a checkout TypeScript: the thread runs what this module runs as.
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    const worker = new Worker(new URL(`./leveldb-worker.${extension}`, import.meta.url), {
      workerData: { settings, stretches } satisfies WriterOrder,
      name: 'graph-store',
    });
    return await new Promise((resolve, reject) => {
      const thread: LevelWriterThread = new LevelWriterThread(worker, settings.folder, (error) => {
        if (error === null) resolve(thread);
        else reject(error);
      });
    });
  }

  /** Why this thread takes no more; null while it does. */
  get failure(): OutageError | null {
    return this.#failure;
  }

  async claim(source: SourcePartition): Promise<Claim> {
    // It may have ended while the caller waited for something else: nobody would answer.
    if (this.#failure !== null) throw this.#failure;
    if (this.#closing) throw this.#closed();
    return await new Promise((claimed, rejected) => {
      const id = this.#register({ ...nobody, claimed, rejected });
      this.#send({ kind: 'claim', id, source }, []);
    });
  }

  async apply(advance: Advance, packed: PackedMutations): Promise<Applied> {
    if (this.#failure !== null) throw this.#failure;
    if (this.#closing) throw this.#closed();
    return await new Promise((applied, rejected) => {
      const id = this.#register({ ...nobody, applied, rejected });
      this.#send({ kind: 'apply', id, ...advance, ...packed }, [packed.buffer]);
    });
  }

  async remove(rows: RemoveRequest['rows']): Promise<Removed> {
    if (this.#failure !== null) throw this.#failure;
    if (this.#closing) throw this.#closed();
    return await new Promise((removed, rejected) => {
      const id = this.#register({ ...nobody, removed, rejected });
      this.#send({ kind: 'remove', id, rows }, []);
    });
  }

  /** Answers the rules in force from then on. */
  async setTimeToLive(rules: TimeToLive): Promise<TimeToLive> {
    if (this.#failure !== null) throw this.#failure;
    if (this.#closing) throw this.#closed();
    return await new Promise((kept, rejected) => {
      const id = this.#register({ ...nobody, kept, rejected });
      this.#send({ kind: 'time-to-live', id, rules }, []);
    });
  }

  /** Waits for what was sent, then for the end of the thread. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#send({ kind: 'close' }, []);
    await this.#exited;
  }

  #register(waiting: Waiting): number {
    const id = this.#nextId++;
    this.#waiting.set(id, waiting);
    return id;
  }

  #send(request: WriterRequest, transfer: ArrayBuffer[]): void {
    this.#worker.postMessage(request, transfer);
  }

  #receive(reply: Exclude<WriterReply, { kind: 'ready' }>): void {
    if (reply.kind === 'broken') {
      this.#failure = new OutageError(reply.error.code, reply.error.message);
      return;
    }
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    switch (reply.kind) {
      case 'applied':
        waiting?.applied(reply.applied);
        break;
      case 'claimed':
        waiting?.claimed(reply.claim);
        break;
      case 'removed':
        waiting?.removed(reply);
        break;
      case 'kept':
        waiting?.kept(reply.rules);
        break;
      case 'rejected':
        waiting?.rejected(rejectionError(reply.error));
        break;
      default:
        unreachable(reply);
    }
  }

  #fail(error: OutageError): void {
    this.#failure = error;
    for (const { rejected } of this.#waiting.values()) rejected(error);
    this.#waiting.clear();
  }

  #closed(): OutageError {
    return new OutageError(
      'STORE_CLOSED',
      `The store in ${this.#folder} is closed; claim the partition to open it again.`,
    );
  }

  #crashed(cause: unknown): OutageError {
    const reason = cause instanceof Error ? `: ${cause.message}` : '';
    return new OutageError(
      'STORE_WRITER_CRASHED',
      `The writing thread of the store in ${this.#folder} ended unexpectedly${reason}; claim the partition to start it again.`,
      { cause },
    );
  }
}
