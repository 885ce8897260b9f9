import xxhash from 'xxhash-wasm';
import { assert, unreachable } from '../foundation/index.ts';
import { HyperLogLog } from './hyperloglog.ts';
import {
  copiedValueBytesMax,
  type GroupContext,
  keyBytesMax,
  type Level,
  LevelGroup,
  Scratch,
} from './leveldb-group.ts';
import type {
  ApplyRequest,
  ClaimRequest,
  LevelSettings,
  Rejection,
  RemoveRequest,
  TimeToLiveRequest,
  WriterReply,
} from './leveldb-protocol.ts';
import { OriginIds, originRange } from './lineage.ts';
import { NodeCache } from './node-cache.ts';
import { NodeRowMerger } from './node-row.ts';
import {
  advanced,
  claimed,
  decodePosition,
  encodePosition,
  type Partition,
  positionKey,
  refusal,
} from './position.ts';
import { metaKey, positionRange } from './rows.ts';

interface Pending {
  readonly group: LevelGroup;
  readonly replies: WriterReply[];
  readonly partitions: Set<string>;
}

type WriteRequest = ApplyRequest | ClaimRequest | RemoveRequest | TimeToLiveRequest;

/**
 * The only writer of a database. Group commit: while LevelDB writes and syncs one group, requests that arrive are built
 * into the next, up to `groupBytesMax`; what does not fit waits in the queue, which the pipelines bound by what they
 * let be in flight. Positions move in memory when a request joins a group, and on disk with the group's own write; after a
 * failed write both differ, so the writer is broken for good and the store opens another.
 */
export class LevelWriter {
  readonly #settings: LevelSettings;
  readonly #context: GroupContext;
  readonly #reply: (reply: WriterReply) => void;
  readonly #partitions: Map<string, Partition>;
  readonly #queue: WriteRequest[] = [];
  #building: Pending | null = null;
  #writing: Pending | null = null;
  #broken: Rejection | null = null;
  #idle: (() => void) | null = null;

  private constructor(
    settings: LevelSettings,
    context: GroupContext,
    partitions: Map<string, Partition>,
    reply: (reply: WriterReply) => void,
  ) {
    this.#settings = settings;
    this.#context = context;
    this.#partitions = partitions;
    this.#reply = reply;
  }

  static async open(
    db: Level,
    settings: LevelSettings,
    reply: (reply: WriterReply) => void,
  ): Promise<LevelWriter> {
    const partitions = new Map<string, Partition>();
    for await (const [key, value] of db.iterator({ ...positionRange })) {
      partitions.set(key.toString(), { position: decodePosition(value), claimed: false });
    }
    const { h32Raw } = await xxhash();
    const nodes = await db.get(metaKey.nodeEstimate);
    const edges = await db.get(metaKey.edgeEstimate);
    const context = {
      db,
      cache: new NodeCache(settings.nodeCacheBytes),
      merger: new NodeRowMerger(),
      nodes: new HyperLogLog(nodes),
      edges: new HyperLogLog(edges),
      hash: (bytes: Uint8Array) => h32Raw(bytes),
      scratch: new Scratch(keyBytesMax),
      values: new Scratch(copiedValueBytesMax),
      origins: new OriginIds(await db.iterator({ ...originRange }).all()),
    };
    return new LevelWriter(settings, context, partitions, reply);
  }

  submit(request: WriteRequest): void {
    this.#queue.push(request);
    this.#pump();
  }

  /** Resolves when nothing waits and nothing is being written. */
  async drained(): Promise<void> {
    if (this.#writing === null && this.#queue.length === 0) return;
    await new Promise<void>((resolve) => {
      this.#idle = resolve;
    });
  }

  #pump(): void {
    this.#build();
    if (this.#writing === null && this.#building !== null) {
      this.#startWrite(this.#building);
      // What did not fit the group that is now being written is built into the next meanwhile.
      this.#build();
    }
    if (this.#writing === null && this.#queue.length === 0) this.#idle?.();
  }

  #build(): void {
    while (this.#queue.length > 0 && (this.#building?.group.sizeBytes ?? 0) < this.#settings.groupBytesMax) {
      const request = this.#queue.shift();
      if (request === undefined) break;
      if (this.#broken !== null) this.#reply({ kind: 'rejected', id: request.id, error: this.#broken });
      else this.#take(request);
    }
  }

  #take(request: WriteRequest): void {
    switch (request.kind) {
      case 'claim':
        this.#claim(request);
        break;
      case 'apply':
        this.#apply(request);
        break;
      case 'remove':
        this.#remove(request);
        break;
      case 'time-to-live': {
        const pending = this.#pending();
        pending.group.putMeta(metaKey.timeToLive, Buffer.from(JSON.stringify(request.rules)));
        pending.replies.push({ kind: 'kept', id: request.id });
        break;
      }
      default:
        unreachable(request);
    }
  }

  #remove({ id, rows }: RemoveRequest): void {
    const pending = this.#pending();
    let removed = 0;
    for (const { key, hiddenMs } of rows) {
      if (pending.group.removeExpired(Buffer.from(key), hiddenMs)) removed += 1;
    }
    pending.replies.push({ kind: 'removed', id, removed });
  }

  #claim(request: ClaimRequest): void {
    const key = positionKey(request.source);
    const position = claimed(request.source, this.#partitions.get(key)?.position);
    this.#partitions.set(key, { position, claimed: true });
    const pending = this.#pending();
    pending.partitions.add(key);
    pending.replies.push({
      kind: 'claimed',
      id: request.id,
      claim: { epoch: position.epoch, next: position.next },
    });
  }

  #apply(request: ApplyRequest): void {
    const key = positionKey(request.source);
    const partition = this.#partitions.get(key);
    const error = refusal(request, partition);
    if (error !== null) {
      this.#reply({ kind: 'rejected', id: request.id, error });
      return;
    }
    assert(partition !== undefined, 'a partition without a position is refused');
    const pending = this.#pending();
    const { buffer, lengthBytes, source, origins } = request;
    const applied = pending.group.add({ packed: Buffer.from(buffer, 0, lengthBytes), source, origins });
    partition.position = advanced(partition.position, request);
    pending.partitions.add(key);
    pending.replies.push({ kind: 'applied', id: request.id, applied });
  }

  #pending(): Pending {
    this.#building ??= {
      group: new LevelGroup(this.#context, this.#writing?.group ?? null),
      replies: [],
      partitions: new Set(),
    };
    return this.#building;
  }

  #startWrite(pending: Pending): void {
    this.#building = null;
    this.#writing = pending;
    for (const key of pending.partitions) {
      const partition = this.#partitions.get(key);
      if (partition !== undefined) {
        pending.group.putMeta(Buffer.from(key), encodePosition(partition.position));
      }
    }
    pending.group.write().then(
      () => this.#written(pending),
      (cause: unknown) => this.#failed(pending, cause),
    );
  }

  #written(pending: Pending): void {
    this.#writing = null;
    for (const reply of pending.replies) this.#reply(reply);
    this.#pump();
  }

  #failed(pending: Pending, cause: unknown): void {
    const error = writeFailure(this.#settings.folder, cause);
    this.#broken = error;
    this.#reply({ kind: 'broken', error });
    for (const { replies } of this.#building === null ? [pending] : [pending, this.#building]) {
      for (const reply of replies) {
        if ('id' in reply) this.#reply({ kind: 'rejected', id: reply.id, error });
      }
    }
    this.#writing = null;
    this.#building = null;
    this.#pump();
  }
}

function writeFailure(folder: string, cause: unknown): Rejection {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return {
    reaction: 'outage',
    code: 'STORE_WRITE_FAILED',
    message: `The store in ${folder} could not be written (${reason}); free space or repair the disk, and writing resumes by itself.`,
  };
}
