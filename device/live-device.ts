import { type CacheEntry, cacheKeyOf, decodeEntry, encodeEntry } from './cache-entry.ts';
import { type DeviceCache, MemoryCache } from './device-cache.ts';
import { type ConnectionLimits, type ConnectionState, DeviceConnection } from './device-connection.ts';
import { type DevicePorts, systemPorts } from './device-ports.ts';
import type { DeviceProblem, DeviceProblemCode } from './device-problem.ts';
import type { ConnectionGrant, WebSocketConstructor } from './device-socket.ts';
import type { DeviceKind, Prefetch, Show } from './prefetch.ts';
import type { PrefetchSource } from './prefetch-source.ts';
import { Prefetcher, type PrefetcherLimits } from './prefetcher.ts';
import type { Applied, Cursor, ServerMessage } from './protocol.ts';
import type { StopReason } from './reconnect.ts';
import { firstState, isOutdated, nextStage, type StageState } from './stage-machine.ts';
import { ownStage, ownStageChangesAtMs, type Schedule } from './stage-order.ts';
import { type OnStage, type ShownStage, StageRenderer } from './stage-renderer.ts';

export interface DeviceLimits extends ConnectionLimits, PrefetcherLimits {
  /** For the application to show a stage. */
  readonly renderMs: number;
}

export const deviceLimitsDefault: DeviceLimits = {
  socketBackoff: { baseMs: 500, capMs: 30_000 },
  prefetchBackoff: { baseMs: 1000, capMs: 60_000 },
  greetingMs: 10_000,
  stableMs: 10_000,
  prefetchMs: 10_000,
  outdatedMax: 5,
  renderMs: 10_000,
};

/** Times are milliseconds; those of the server are by its clock. */
export interface DeviceStatus {
  readonly connection: ConnectionState;
  /** Why the server wants it no more; null unless it said so. */
  readonly stopReason: StopReason | null;
  readonly cursor: Cursor;
  readonly stage: string | null;
  /** From `at` of the last stage until it was shown; null when that is not known. One way of the network is not in it. */
  readonly lastDelayMs: number | null;
  /** Of what is held; empty before the first prefetch. */
  readonly stages: Schedule;
  /** Of what is held; null before the first prefetch. */
  readonly version: number | null;
  /** To add to the device's clock for the server's; 0 until it is known. */
  readonly offsetMs: number;
}

export interface LiveDeviceOptions {
  readonly event: string;
  /** `Type:id`. */
  readonly member: string;
  readonly device: DeviceKind;
  readonly prefetch: PrefetchSource;
  /** An address and a token; asked for again when they may be of no use any more. */
  readonly connection: () => Promise<ConnectionGrant>;
  readonly onStage: OnStage;
  /** Whenever it changes. */
  readonly onState?: (status: DeviceStatus) => void;
  readonly onProblem?: (problem: DeviceProblem) => void;
  /** In memory unless said. */
  readonly cache?: DeviceCache;
  readonly limits?: Partial<DeviceLimits>;
  /** Time and dice, for tests. */
  readonly ports?: DevicePorts;
  /** Where there is no global `WebSocket`. */
  readonly webSocketImpl?: WebSocketConstructor;
}

/**
 * One device at one event: fetches ahead, keeps a socket, shows each stage when its broadcast comes, and catches up after a break. The state moves when a message is taken and is
 * kept when it was rendered: who is killed between the two gets the message again.
 */
export class LiveDevice {
  readonly #options: LiveDeviceOptions;
  readonly #ports: DevicePorts;
  readonly #cache: DeviceCache;
  readonly #cacheKey: string;
  readonly #prefetcher: Prefetcher;
  readonly #connection: DeviceConnection;
  readonly #renderer: StageRenderer;
  #state: StageState = firstState;
  /** As it was when what it shows could be seen; this is what the cache gets. */
  #seenState: StageState = firstState;
  /** What was pushed to be rendered, as text. */
  #shownText = '';
  #receivedMs = 0;
  #from: ShownStage['from'] = 'cache';
  /** Shown when the renderer is done; not yet acknowledged. */
  #applying: { readonly cursor: Cursor; readonly at: number } | null = null;
  /** Could not be sent. */
  #unsent: Applied | null = null;
  /** The server's clock less ours; null until it has said it. */
  #offsetMs: number | null = null;
  #lastDelayMs: number | null = null;
  #connectionState: ConnectionState = 'connecting';
  #stopReason: StopReason | null = null;
  #running: Promise<unknown> | null = null;

  constructor(options: LiveDeviceOptions) {
    const { event, member, device, ports = systemPorts } = options;
    const limits = { ...deviceLimitsDefault, ...options.limits };
    this.#options = options;
    this.#ports = ports;
    this.#cache = options.cache ?? new MemoryCache();
    this.#cacheKey = cacheKeyOf(event, member, device);
    const report = this.#report.bind(this);
    const serverNow = (): number => this.#serverNow();
    this.#prefetcher = new Prefetcher({
      question: { event, member, device },
      source: options.prefetch,
      ports,
      limits,
      report,
      serverNow,
      changed: (prefetch, receivedMs) => this.#fetched(prefetch, receivedMs),
    });
    this.#connection = new DeviceConnection({
      event,
      grant: options.connection,
      webSocket: options.webSocketImpl ?? globalSocket(),
      ports,
      limits,
      report,
      serverNow: () => (this.#offsetMs === null ? null : this.#serverNow()),
      cursor: () => this.#state.cursor,
      heard: (message) => this.#hear(message),
      told: (serverNowMs) => {
        this.#offsetMs = serverNowMs - ports.clock.now();
      },
      changed: (state, stopReason) => this.#connectionChanged(state, stopReason),
      alone: () => this.#showOwn(),
    });
    const rendered = (): void => this.#rendered();
    this.#renderer = new StageRenderer(options.onStage, ports.clock, limits.renderMs, report, rendered);
  }

  get status(): DeviceStatus {
    const held = this.#prefetcher.held;
    return {
      connection: this.#connectionState,
      stopReason: this.#stopReason,
      cursor: this.#state.cursor,
      stage: this.#state.stage,
      lastDelayMs: this.#lastDelayMs,
      stages: held?.stages ?? [],
      version: held?.version ?? null,
      offsetMs: this.#offsetMs ?? 0,
    };
  }

  /** Shows what the cache has of a broadcast, then connects. Once. */
  start(): void {
    if (this.#running !== null) return;
    this.#restore();
    this.#running = Promise.all([this.#prefetcher.run(), this.#connection.run()]);
  }

  /** Without a connection until `resume`; what the schedule lets a device show by itself it does. */
  suspend(): void {
    this.#connection.suspend();
  }

  /** Connects at once, and catches up. */
  resume(): void {
    this.#connection.resume();
  }

  /** For good; resolves when nothing of it runs any more but an `onStage` under way. */
  async close(): Promise<void> {
    this.#connection.stop();
    this.#prefetcher.stop();
    await this.#running;
  }

  #hear(message: ServerMessage): void {
    const before = this.#state;
    const { state, verdict } = nextStage(before, message, this.#options.event, this.#schedule());
    if (verdict === 'other-event' || verdict === 'old-epoch') return;
    this.#state = state;
    const held = this.#prefetcher.held;
    if (held !== null && isOutdated(held.version, before, message)) this.#prefetcher.wants(message.version);
    if (verdict === 'duplicate') this.#sendUnsent();
    if (verdict === 'shown' || verdict === 'same') {
      this.#applying = { cursor: state.cursor, at: message.at };
      this.#from = message.type === 'resync' ? 'resync' : 'broadcast';
      if (verdict === 'shown' || !this.#renderer.isSeen) this.#render();
      else this.#rendered();
    }
    this.#changed();
  }

  /** What can be shown without being told; answers in how many milliseconds that may be something else. */
  #showOwn(): number {
    const nowMs = this.#serverNow();
    const own = ownStage(this.#schedule(), nowMs);
    if (own !== null && own.startsAtMs !== null) {
      const input = { type: 'own', stage: own.key, at: own.startsAtMs } as const;
      const { state, verdict } = nextStage(this.#state, input, this.#options.event, this.#schedule());
      if (verdict === 'shown') {
        this.#state = state;
        this.#from = 'cache';
        this.#render();
        this.#changed();
      }
    }
    return (ownStageChangesAtMs(this.#schedule(), nowMs) ?? Number.POSITIVE_INFINITY) - nowMs;
  }

  #render(): void {
    const { stage, at } = this.#state;
    if (stage === null) return;
    const show = this.#showOf(stage);
    this.#shownText = JSON.stringify(show);
    this.#renderer.push({ stage, at, show, from: this.#from });
  }

  #showOf(stage: string): Show | null {
    return this.#prefetcher.held?.stageMap[stage] ?? null;
  }

  #rendered(): void {
    const applying = this.#applying;
    this.#applying = null;
    this.#seenState = this.#state;
    this.#keep();
    if (applying === null) return;
    const isKnown = this.#offsetMs !== null;
    const delayMs = isKnown ? Math.max(0, Math.round(this.#serverNow() - applying.at)) : null;
    this.#lastDelayMs = delayMs;
    this.#unsent = { type: 'applied', ...applying.cursor, delayMs };
    this.#sendUnsent();
    this.#changed();
  }

  #sendUnsent(): void {
    const { epoch } = this.#state.cursor;
    if (this.#unsent === null || this.#unsent.epoch !== epoch) return;
    if (this.#connection.send(this.#unsent)) this.#unsent = null;
  }

  #fetched(prefetch: Prefetch, receivedMs: number): void {
    this.#receivedMs = receivedMs;
    this.#keep();
    // A broadcast was faster.
    if (prefetch.version < this.#state.version) this.#prefetcher.wants(this.#state.version);
    const { stage } = this.#state;
    if (stage !== null && JSON.stringify(this.#showOf(stage)) !== this.#shownText) this.#render();
    if (this.#connectionState !== 'online' && this.#connectionState !== 'connecting') this.#showOwn();
    this.#changed();
  }

  #restore(): void {
    const entry = this.#readCache();
    if (entry === null) return;
    this.#state = entry.state;
    this.#seenState = entry.state;
    this.#receivedMs = entry.receivedMs;
    if (entry.prefetch !== null) this.#prefetcher.start(entry.prefetch, entry.receivedMs);
    this.#render();
    this.#changed();
  }

  #readCache(): CacheEntry | null {
    try {
      const text = this.#cache.read(this.#cacheKey);
      if (text === null) return null;
      const entry = decodeEntry(text);
      if (entry !== null) return entry;
      this.#report('BAD_CACHE', 'What lay in the cache is no entry of this device; it begins anew.');
      this.#cache.remove(this.#cacheKey);
    } catch (cause) {
      this.#report('CACHE_FAILED', 'The cache cannot be read.', cause);
    }
    return null;
  }

  #keep(): void {
    const entry = { prefetch: this.#prefetcher.held, receivedMs: this.#receivedMs, state: this.#seenState };
    try {
      this.#cache.write(this.#cacheKey, encodeEntry(entry));
    } catch (cause) {
      this.#report('CACHE_FAILED', 'The cache cannot be written; the device goes on without.', cause);
    }
  }

  #connectionChanged(state: ConnectionState, stopReason: StopReason | null): void {
    this.#connectionState = state;
    this.#stopReason = stopReason;
    if (state === 'stopped') this.#prefetcher.stop();
    this.#changed();
  }

  #schedule(): Schedule {
    return this.#prefetcher.held?.stages ?? [];
  }

  #serverNow(): number {
    return this.#ports.clock.now() + (this.#offsetMs ?? 0);
  }

  #changed(): void {
    this.#options.onState?.(this.status);
  }

  #report(code: DeviceProblemCode, message: string, cause: unknown = null): void {
    this.#options.onProblem?.({ code, message, cause });
  }
}

function globalSocket(): WebSocketConstructor {
  const found: unknown = Reflect.get(globalThis, 'WebSocket');
  if (!isConstructor(found)) throw new Error('There is no global WebSocket here: pass `webSocketImpl`.');
  return found;
}

function isConstructor(value: unknown): value is WebSocketConstructor {
  return typeof value === 'function';
}
