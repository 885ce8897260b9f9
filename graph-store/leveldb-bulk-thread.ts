import { Worker } from 'node:worker_threads';
import { OutageError } from '../foundation/index.ts';
import type { BulkThread, CheckQuery, FarEndsQuery, PackedFarEndsPage } from './bulk-reads.ts';
import type { BulkThreadOrder, BulkThreadReply, BulkThreadRequest } from './leveldb-bulk-protocol.ts';
import type { LevelSettings } from './leveldb-protocol.ts';
import type { TimeToLive } from './time-to-live.ts';

interface Waiting {
  readonly paged: (page: PackedFarEndsPage) => void;
  readonly checked: (verdicts: Uint8Array) => void;
  readonly rejected: (error: OutageError) => void;
}

const ignore = (): void => undefined;

/** The second thread as its caller sees it. It has a handle of its own on the database, which must be closed before the one that opened first. */
export class LevelBulkThread implements BulkThread {
  readonly #worker: Worker;
  readonly #folder: string;
  readonly #hiding: () => { readonly timeToLive: TimeToLive; readonly nowMs: number };
  readonly #waiting = new Map<number, Waiting>();
  readonly #exited: Promise<void>;
  #nextId = 1;
  #failure: OutageError | null = null;

  /** `hiding` is asked at each read. */
  constructor(
    settings: LevelSettings,
    module: string,
    hiding: () => { readonly timeToLive: TimeToLive; readonly nowMs: number },
  ) {
    this.#folder = settings.folder;
    this.#hiding = hiding;
    const order: BulkThreadOrder = { settings };
    this.#worker = new Worker(new URL(module), { workerData: order, name: 'graph-store-bulk' });
    this.#worker.on('message', (reply: BulkThreadReply) => this.#receive(reply));
    this.#worker.on('error', (cause) => this.#fail(cause));
    this.#exited = new Promise((resolve) => {
      this.#worker.on('exit', () => {
        this.#fail(null);
        resolve();
      });
    });
  }

  /** Resolves when the thread has ended; never rejects. */
  get exited(): Promise<void> {
    return this.#exited;
  }

  async packedFarEnds(query: Omit<FarEndsQuery, 'keep'>): Promise<PackedFarEndsPage> {
    return await new Promise((paged, rejected) => {
      const id = this.#register({ paged, checked: ignore, rejected });
      if (id !== null) this.#send({ kind: 'ends', id, hiding: this.#hiding(), query });
    });
  }

  async check({ type, ids, names, condition }: CheckQuery): Promise<Uint8Array> {
    return await new Promise((checked, rejected) => {
      const id = this.#register({ paged: ignore, checked, rejected });
      const hiding = this.#hiding();
      if (id !== null) this.#send({ kind: 'check', id, hiding, type, ids: ids.join('\0'), names, condition });
    });
  }

  async stop(): Promise<void> {
    this.#fail(null);
    this.#send({ kind: 'stop' });
    await this.#exited;
  }

  /** Null when there is nobody to ask any more. */
  #register(waiting: Waiting): number | null {
    if (this.#failure !== null) {
      waiting.rejected(this.#failure);
      return null;
    }
    const id = this.#nextId++;
    this.#waiting.set(id, waiting);
    return id;
  }

  #receive(reply: BulkThreadReply): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if (waiting === undefined) return;
    if (reply.kind === 'ends') waiting.paged(reply.page);
    else if (reply.kind === 'checked') waiting.checked(reply.verdicts);
    else waiting.rejected(this.#ended(reply.message, null));
  }

  #send(request: BulkThreadRequest): void {
    this.#worker.postMessage(request);
  }

  #fail(cause: unknown): void {
    this.#failure ??= this.#ended(cause instanceof Error ? cause.message : 'its thread has ended', cause);
    for (const { rejected } of this.#waiting.values()) rejected(this.#failure);
    this.#waiting.clear();
  }

  #ended(message: string, cause: unknown): OutageError {
    return new OutageError(
      'STORE_READ_FAILED',
      `The store in ${this.#folder} could not be read (${message}); check the disk, then ask again.`,
      { cause },
    );
  }
}
