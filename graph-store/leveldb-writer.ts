import { assert, type Clock, unreachable } from '../foundation/index.ts';
import { DeletedTypesSoFar, decodeDeletedTypes } from './deleted-types.ts';
import { HyperLogLog } from './hyperloglog.ts';
import type { Level } from './level.ts';
import { type GroupContext, LevelGroup } from './leveldb-group.ts';
import { writeFailureText } from './leveldb-open.ts';
import type {
  ApplyRequest,
  ClaimRequest,
  LevelSettings,
  Rejection,
  RemoveRequest,
  TimeToLiveRequest,
  WriterReply,
} from './leveldb-protocol.ts';
import { LineageBytes, OriginIds, originRange } from './lineage.ts';
import type { NodeNames } from './node-names.ts';
import { NodeRowMerger } from './node-row.ts';
import { NodeRows } from './node-rows.ts';
import {
  advanced,
  claimed,
  decodePosition,
  encodePosition,
  type Partition,
  positionKey,
  refusal,
} from './position.ts';
import { aheadMsMax } from './removal-moment.ts';
import { RowBatches } from './row-batches.ts';
import { RowBuilder } from './row-builder.ts';
import { RowQueue } from './row-queue.ts';
import { metaKey, positionRange } from './rows.ts';
import { SweptHorizon } from './swept-horizon.ts';
import { type TimeToLive, timeToLiveOf } from './time-to-live.ts';

interface Pending {
  readonly group: LevelGroup;
  readonly startedMs: number;
  /** It has waited, or someone waits for its answer to go on at all: a claim, rules. */
  urgent: boolean;
  readonly replies: WriterReply[];
  readonly partitions: Set<string>;
}

type WriteRequest = ApplyRequest | ClaimRequest | RemoveRequest | TimeToLiveRequest;

/**
 * The only writer of a database. Group commit: while LevelDB writes and syncs one group, requests that arrive are merged
 * into the next until its window is full; that one is sealed, and what comes then waits in the queue, which the pipelines bound by what they
 * let be in flight. Positions move in memory when a request joins a group, and on disk with the group's own write; after a
 * failed write both differ, so the writer is broken for good and the store opens another.
 */
export class LevelWriter {
  readonly #settings: LevelSettings;
  readonly #clock: Clock;
  readonly #db: Level;
  readonly #context: GroupContext;
  readonly #reply: (reply: WriterReply) => void;
  readonly #partitions: Map<string, Partition>;
  readonly #queue: WriteRequest[] = [];
  #building: Pending | null = null;
  /** Full, and waiting for the write before it. */
  #sealed: Pending | null = null;
  #writing: Pending | null = null;
  #waiting = false;
  #broken: Rejection | null = null;
  /** As the last group that was built leaves them. */
  #rules: TimeToLive;
  readonly #swept: SweptHorizon;
  readonly #draining = new AbortController();
  #idle: (() => void) | null = null;

  private constructor(
    settings: LevelSettings,
    clock: Clock,
    db: Level,
    context: GroupContext,
    partitions: Map<string, Partition>,
    rules: TimeToLive,
    reply: (reply: WriterReply) => void,
  ) {
    this.#settings = settings;
    this.#clock = clock;
    this.#db = db;
    this.#context = context;
    this.#partitions = partitions;
    this.#rules = rules;
    this.#swept = new SweptHorizon(rules.swept);
    this.#reply = reply;
  }

  static async open(
    db: Level,
    settings: LevelSettings,
    clock: Clock,
    reply: (reply: WriterReply) => void,
  ): Promise<LevelWriter> {
    const partitions = new Map<string, Partition>();
    for await (const [key, value] of db.iterator({ ...positionRange })) {
      partitions.set(key.toString(), { position: decodePosition(value), claimed: false });
    }
    const nodes = await db.get(metaKey.nodeEstimate);
    const edges = await db.get(metaKey.edgeEstimate);
    const pending = new Set<LevelGroup>();
    const changed = (): NodeNames[] => [...pending].map((group) => group.changed);
    let number = 0;
    const context: GroupContext = {
      db,
      nodeRows: new NodeRows(settings.nodeCacheBytes, changed),
      merger: new NodeRowMerger(),
      nodes: new HyperLogLog(nodes),
      edges: new HyperLogLog(edges),
      builder: new RowBuilder(),
      queue: new RowQueue(settings.queuedRowsMax),
      lineage: new LineageBytes(),
      origins: new OriginIds(await db.iterator({ ...originRange }).all()),
      deleted: new DeletedTypesSoFar(decodeDeletedTypes(await db.get(metaKey.deletedTypes))),
      batches: new RowBatches(db),
      get stretches() {
        return db.stretches;
      },
      pending,
      nextNumber: () => {
        number += 1;
        return number;
      },
    };
    const rules = timeToLiveOf(await db.get(metaKey.timeToLive));
    return new LevelWriter(settings, clock, db, context, partitions, rules, reply);
  }

  submit(request: WriteRequest): void {
    this.#queue.push(request);
    this.#pump();
  }

  /** Resolves when nothing waits and nothing is being written; no window waits any longer. */
  async drained(): Promise<void> {
    this.#draining.abort();
    this.#pump();
    if (this.#isIdle()) return;
    await new Promise<void>((resolve) => {
      this.#idle = resolve;
    });
  }

  #isIdle(): boolean {
    return (
      this.#queue.length === 0 && this.#building === null && this.#sealed === null && this.#writing === null
    );
  }

  /** Seals and writes what it may, and takes requests in until the groups are full. */
  #pump(): void {
    for (let moved = true; moved; ) {
      moved = false;
      this.#build();
      if (this.#writing === null && this.#sealed !== null) {
        this.#startWrite(this.#sealed);
        this.#sealed = null;
        moved = true;
      }
      if (this.#sealed === null && this.#building !== null && this.#isDue(this.#building)) {
        this.#sealed = this.#building;
        this.#building = null;
        this.#seal(this.#sealed);
        moved = true;
      }
    }
    if (this.#isIdle()) this.#idle?.();
  }

  #isFull(): boolean {
    const group = this.#building?.group;
    if (group === undefined) return false;
    const { windowBytesMax, windowEventsMax } = this.#settings;
    return group.sizeBytes >= windowBytesMax || group.events >= windowEventsMax;
  }

  /** Full groups are built while another is written; the others wait for their window, and as long as there is something to write. */
  #isDue(building: Pending): boolean {
    if (this.#isFull()) return true;
    if (this.#writing !== null) return false;
    const { windowMs } = this.#settings;
    // No longer than the window, should the clock have been set back.
    const leftMs = Math.min(windowMs, building.startedMs + windowMs - this.#clock.now());
    if (leftMs <= 0 || building.urgent || this.#draining.signal.aborted) return true;
    if (!this.#waiting) void this.#wait(building, leftMs);
    return false;
  }

  async #wait(building: Pending, delayMs: number): Promise<void> {
    this.#waiting = true;
    await this.#clock.sleep(delayMs, this.#draining.signal);
    this.#waiting = false;
    // Not asked of the clock again: it may have been set back.
    building.urgent = true;
    this.#pump();
  }

  #build(): void {
    while (this.#queue.length > 0 && !this.#isFull()) {
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
        pending.urgent = true;
        const rules = this.#putRules(pending, request.rules);
        pending.replies.push({ kind: 'kept', id: request.id, rules });
        break;
      }
      default:
        unreachable(request);
    }
  }

  #remove({ id, rows }: RemoveRequest): void {
    const pending = this.#pending();
    let removed = 0;
    let isRaised = false;
    for (const row of rows) {
      const key = Buffer.from(row.key);
      const found = pending.group.removeExpired(key, row.hiddenMs);
      if (found === null) continue;
      removed += 1;
      const { deletedMs } = found;
      if (deletedMs !== null && row.hiding !== null && this.#swept.removed(row.hiding, deletedMs))
        isRaised = true;
    }
    const raised = isRaised ? this.#putRules(pending, this.#rules) : null;
    pending.replies.push({ kind: 'removed', id, removed, rules: raised });
  }

  #putRules({ group }: Pending, rules: TimeToLive): TimeToLive {
    this.#rules = this.#swept.with(rules);
    group.putMeta(metaKey.timeToLive, Buffer.from(JSON.stringify(this.#rules)));
    return this.#rules;
  }

  #claim(request: ClaimRequest): void {
    // Whoever asks has looked for the newest event of a store that did not say.
    if (!this.#db.saysStretches) this.#db.readStretchesNow();
    const key = positionKey(request.source);
    const position = claimed(request.source, this.#partitions.get(key)?.position);
    this.#partitions.set(key, { position, claimed: true });
    const pending = this.#pending();
    pending.partitions.add(key);
    pending.urgent = true;
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
    const { buffer, lengthBytes, eventCount, source, origins } = request;
    const packed = Buffer.from(buffer, 0, lengthBytes);
    const applied = pending.group.add({ packed, eventCount, source, origins });
    partition.position = advanced(partition.position, request);
    pending.partitions.add(key);
    pending.replies.push({ kind: 'applied', id: request.id, applied });
  }

  #pending(): Pending {
    this.#building ??= {
      group: this.#newGroup(),
      startedMs: this.#clock.now(),
      urgent: false,
      replies: [],
      partitions: new Set(),
    };
    return this.#building;
  }

  /** Rows of all groups before it were made, so that it may begin a new stretch. */
  #newGroup(): LevelGroup {
    const group = new LevelGroup(this.#context);
    const { stretches } = this.#context;
    // Nor behind an event that is far ahead: what comes until then would all go into the stretch before.
    const isAhead = stretches.newestMs > this.#clock.now() + aheadMsMax;
    if (stretches.isFull(this.#settings.stretchBytes) && !isAhead) {
      stretches.begin();
      // Before any of its rows can be seen: readers look for them only when they know.
      this.#db.tellStretches();
    }
    return group;
  }

  #seal({ group, partitions }: Pending): void {
    for (const key of partitions) {
      const partition = this.#partitions.get(key);
      if (partition !== undefined) group.putMeta(Buffer.from(key), encodePosition(partition.position));
    }
    group.seal();
  }

  #startWrite(pending: Pending): void {
    this.#writing = pending;
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
    for (const each of [pending, this.#sealed, this.#building]) {
      for (const reply of each?.replies ?? []) {
        if ('id' in reply) this.#reply({ kind: 'rejected', id: reply.id, error });
      }
    }
    this.#writing = null;
    this.#sealed = null;
    this.#building = null;
    this.#pump();
  }
}

function writeFailure(folder: string, cause: unknown): Rejection {
  return { reaction: 'outage', code: 'STORE_WRITE_FAILED', message: writeFailureText(folder, cause) };
}
