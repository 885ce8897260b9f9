import {
  type ConnectionGrant,
  type Cursor,
  type DeviceCache,
  type DevicePorts,
  type DeviceStatus,
  LiveDevice,
  MemoryCache,
  type Schedule,
} from '../../device/index.ts';

/** What the journal says that holds. */
export interface StageTruth extends Cursor {
  readonly stage: string;
}

export interface WatchedDeviceParts {
  readonly event: string;
  readonly name: string;
  readonly stages: Schedule;
  readonly version: number;
  readonly connection: (member: string) => Promise<ConnectionGrant>;
  readonly ports: DevicePorts;
  /** The last stage that anybody asked for, as its place in the schedule: none after it can be true. */
  readonly newestRank: () => number;
  readonly failed: (what: string) => void;
}

/** A year: nothing is fetched anew. */
const ttlMs = 31_536_000_000;
/** Shorter than a device's own, so that an event takes minutes rather than an hour. */
const limits = { socketBackoff: { baseMs: 50, capMs: 1_000 } };

/** A device of the product whose application checks what it is told to show: only stages of the event, never one before, none before its time. */
export class WatchedDevice {
  readonly member: string;
  /** Connections that were greeted. */
  connects = 0;
  /** Stages that it was told to show, each once. */
  readonly shown: string[] = [];
  readonly #parts: WatchedDeviceParts;
  readonly #cache: DeviceCache = new MemoryCache();
  #device: LiveDevice;
  #closed = false;

  constructor(parts: WatchedDeviceParts) {
    this.#parts = parts;
    this.member = `Account:${parts.name}`;
    this.#device = this.#create();
  }

  /** It shows this stage, by this broadcast. */
  isAt({ stage, epoch, sequence }: StageTruth): boolean {
    const { cursor, stage: held } = this.#device.status;
    const isSame = cursor.epoch === epoch && cursor.sequence === sequence;
    return isSame && held === stage && this.shown.at(-1) === stage;
  }

  get status(): DeviceStatus {
    return this.#device.status;
  }

  get text(): string {
    const { connection, stage, cursor } = this.status;
    return `${this.#parts.name} is ${connection} at ${stage} ${cursor.epoch}.${cursor.sequence}`;
  }

  suspend(): void {
    this.#device.suspend();
  }

  resume(): void {
    this.#device.resume();
  }

  /** As an application that is closed and opened again: what it kept is all that is left. */
  async restart(): Promise<void> {
    await this.#device.close();
    if (!this.#closed) this.#device = this.#create();
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#device.close();
  }

  #create(): LiveDevice {
    const { event, stages, version, connection, ports, failed, name } = this.#parts;
    let [sequence, isOnline] = [0, false];
    const device = new LiveDevice({
      event,
      member: this.member,
      device: 'tv',
      prefetch: async () => ({ kind: 'new', prefetch: prefetchOf(stages, version) }),
      connection: () => connection(this.member),
      cache: this.#cache,
      limits,
      ports,
      onStage: ({ stage }) => this.#show(stage),
      onState: (status) => {
        if (status.connection === 'online' && !isOnline) this.connects += 1;
        isOnline = status.connection === 'online';
        if (status.cursor.sequence < sequence)
          failed(`${name} went back from ${sequence} to ${status.cursor.sequence}`);
        sequence = status.cursor.sequence;
        if (status.stopReason !== null) failed(`${name} was stopped: ${status.stopReason}`);
      },
    });
    device.start();
    return device;
  }

  #show(stage: string): void {
    const { stages, failed, name, newestRank } = this.#parts;
    const rankOf = (key: string | undefined): number => stages.findIndex((one) => one.key === key);
    const last = this.shown.at(-1);
    if (rankOf(stage) < 0) failed(`${name} shows ${stage}, which the event does not have`);
    if (rankOf(stage) < rankOf(last)) failed(`${name} shows ${stage} after ${last}`);
    if (rankOf(stage) > newestRank()) failed(`${name} shows ${stage}, which nobody has entered yet`);
    if (stage !== last) this.shown.push(stage);
  }
}

function prefetchOf(stages: Schedule, version: number): unknown {
  return {
    version,
    etag: null,
    ttlMs,
    expiresAt: Date.now() + ttlMs,
    stages,
    stageMap: Object.fromEntries(stages.map(({ key }) => [key, {}])),
    quiet: null,
    spreadMs: 0,
  };
}
