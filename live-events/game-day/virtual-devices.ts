import type { Random } from '../../foundation/index.ts';
import { arrivalOf } from './fleet-model.ts';
import type { Scenario } from './scenario.ts';

export const absent = 0;
export const waiting = 1;
export const connected = 2;

/** Why a device does what is due next. */
export const causes = { first: 0, expiry: 1, version: 2, retry: 3 } as const;
/** Why its connection's time has come. */
export const ends = { connect: 0, loss: 1, lifetime: 2 } as const;

/** All devices, a column for each thing that is known of them: some 30 bytes a device. */
export class VirtualDevices {
  readonly count: number;
  readonly state: Uint8Array;
  readonly gateway: Uint16Array;
  /** Index of the stage that it shows; -1 before any. */
  readonly stage: Int8Array;
  /** Of the last broadcast that it applied. */
  readonly sequence: Uint16Array;
  /** Of the last one that was sent to it while it was connected. */
  readonly sent: Uint16Array;
  readonly sentDelayMs: Float32Array;
  /** Of what it has prefetched; 0: nothing. */
  readonly version: Uint16Array;
  readonly prefetchCause: Uint8Array;
  readonly prefetchTries: Uint8Array;
  readonly connectionEnd: Uint8Array;
  readonly backoffMs: Uint16Array;
  /** The fault that took its connection, from 1, until it is back; 0: none. */
  readonly lostBy: Uint8Array;

  constructor(count: number) {
    this.count = count;
    this.state = new Uint8Array(count);
    this.gateway = new Uint16Array(count);
    this.stage = new Int8Array(count).fill(-1);
    this.sequence = new Uint16Array(count);
    this.sent = new Uint16Array(count);
    this.sentDelayMs = new Float32Array(count);
    this.version = new Uint16Array(count);
    this.prefetchCause = new Uint8Array(count);
    this.prefetchTries = new Uint8Array(count);
    this.connectionEnd = new Uint8Array(count);
    this.backoffMs = new Uint16Array(count);
    this.lostBy = new Uint8Array(count);
  }
}

/** Those that are there at the beginning come within its first minute. */
const warmUpMs = 60_000;

/** When a device comes; null: never. */
export function arrivalMs({ arrivals }: Scenario, random: Random): number | null {
  const atMs = arrivalOf(arrivals, random());
  return atMs === 0 ? random() * warmUpMs : atMs;
}
