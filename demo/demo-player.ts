import { Backoff, type Clock, JourneyGraphError, type Random } from '../foundation/index.ts';
import { type DayEvent, memberDay } from './day.ts';
import { titleSnapshot, titleUpdate } from './titles.ts';
import { member } from './world.ts';

/** A record as a producer hands it to a log. */
export interface DemoRecord {
  readonly timestampMs: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: null;
}

/** What the player needs from the log it writes to; the embedded log is one. */
export interface DemoLog {
  append(topic: string, partition: number, records: readonly DemoRecord[]): Promise<unknown>;
}

export interface DemoPorts {
  readonly log: DemoLog;
  /** Event fields to Confluent-framed Avro bytes, as a company's own producer would make them. */
  readonly encode: (topic: string, fields: Readonly<Record<string, unknown>>) => Uint8Array;
  readonly clock: Clock;
  readonly random: Random;
  /** A new UUID. */
  readonly newId: () => string;
}

export interface DemoLimits {
  readonly partitions: number;
  readonly eventsPerSecond: number;
  /** Members whose past day is written at the first start. */
  readonly historyMembers: number;
  /** Members who are acting at the same time. */
  readonly activeMembers: number;
}

interface TimedEvent {
  readonly timeMs: number;
  readonly event: DayEvent;
}

const tickMs = 100;
const snapshotAgoMs = 2 * 86_400_000;
/** One event in so many is an editor's, about a title. */
const titleUpdateEvery = 400;
/** Between two attempts while the log takes nothing, such as on a full disk. */
const retry = { baseMs: 500, maxMs: 10_000 };
/** Account numbers come round again after so many: a company's members return. */
const memberNumbers = 100_000;
/** One record in so many is sent twice, and one in so many is rubbish, because real topics hold both. */
const duplicateEvery = 50;
const rubbishEvery = 500;

/** The account whose evening the first printed answer shows. */
export const featuredAccountId = member(1).accountId;

/**
 * Plays members whose days cross the domains, as Avro bytes into a log. It is a producer and nothing else: the events take the
 * same decoder and processors as any company's.
 */
export class DemoPlayer {
  readonly #ports: DemoPorts;
  readonly #limits: DemoLimits;
  readonly #active: DayEvent[][] = [];
  #nextMember: number;
  #sent = 0;

  constructor(ports: DemoPorts, limits: DemoLimits) {
    this.#ports = ports;
    this.#limits = limits;
    this.#nextMember = limits.historyMembers + 1;
  }

  /** Writes the day before now for the first members, in the order it happened. */
  async writeHistory(): Promise<void> {
    const { clock, random } = this.#ports;
    const nowMs = clock.now();
    const events: TimedEvent[] = titleSnapshot().map((event) => ({ timeMs: nowMs - snapshotAgoMs, event }));
    for (let number = 1; number <= this.#limits.historyMembers; number += 1) {
      const day = memberDay(member(number), random);
      const lengthMs = day.reduce((sum, event) => sum + event.afterMs, 0);
      let timeMs = nowMs - lengthMs - Math.floor(random() * 12 * 3_600_000);
      for (const event of day) {
        timeMs += event.afterMs;
        events.push({ timeMs, event });
      }
    }
    events.sort((a, b) => a.timeMs - b.timeMs);
    await this.#append(events);
  }

  /**
   * Plays until `signal` aborts; every member acts in turn and event times are now. While the log is down the members
   * rest: what they would have done is lost, as it never happened, and those who read the log say that it is down.
   */
  async play(signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#ports;
    const backoff = new Backoff(retry, clock, random);
    let owed = 0;
    let lastMs = clock.now();
    while (!signal.aborted) {
      await clock.sleep(tickMs, signal);
      const nowMs = clock.now();
      // A machine that slept owes at most one second of events, not the night's.
      owed += (Math.min(1000, nowMs - lastMs) * this.#limits.eventsPerSecond) / 1000;
      lastMs = nowMs;
      const count = Math.floor(owed);
      owed -= count;
      if (count === 0) continue;
      try {
        await this.#append(this.#nextEvents(count, nowMs));
        backoff.reset();
      } catch (error) {
        if (!(error instanceof JourneyGraphError && error.retryable)) throw error;
        await backoff.wait(signal);
      }
    }
  }

  #nextEvents(count: number, nowMs: number): TimedEvent[] {
    const events: TimedEvent[] = [];
    for (let index = 0; index < count; index += 1) {
      const event = this.#nextEvent();
      const timeMs = nowMs - Math.floor(this.#ports.random() * tickMs);
      if (event !== undefined) events.push({ timeMs, event });
    }
    return events.sort((a, b) => a.timeMs - b.timeMs);
  }

  #nextEvent(): DayEvent | undefined {
    const { random } = this.#ports;
    if (random() * titleUpdateEvery < 1) return titleUpdate(random);
    const slot = Math.floor(random() * this.#limits.activeMembers);
    let day = this.#active[slot];
    if (day === undefined || day.length === 0) {
      day = [...memberDay(member(this.#nextMember), random)];
      this.#nextMember = (this.#nextMember % memberNumbers) + 1;
      this.#active[slot] = day;
    }
    return day.shift();
  }

  async #append(events: readonly TimedEvent[]): Promise<void> {
    const lanes = new Map<string, { topic: string; partition: number; records: DemoRecord[] }>();
    for (const { timeMs, event } of events) {
      const partition = partitionOf(event.key, this.#limits.partitions);
      const laneKey = `${event.topic}/${partition}`;
      let lane = lanes.get(laneKey);
      if (lane === undefined) {
        lane = { topic: event.topic, partition, records: [] };
        lanes.set(laneKey, lane);
      }
      lane.records.push(...this.#records(timeMs, event));
    }
    await Promise.all(
      [...lanes.values()].map((lane) => this.#ports.log.append(lane.topic, lane.partition, lane.records)),
    );
  }

  #records(timeMs: number, event: DayEvent): DemoRecord[] {
    this.#sent += 1;
    const stamp = event.timed?.(timeMs) ?? { eventId: this.#ports.newId(), occurredAt: BigInt(timeMs) };
    const fields = { ...event.fields, ...stamp };
    const value = this.#ports.encode(event.topic, fields);
    const record: DemoRecord = { timestampMs: timeMs, key: Buffer.from(event.key), value, headers: null };
    if (this.#sent % rubbishEvery === 0) return [record, { ...record, value: value.subarray(0, 9) }];
    return this.#sent % duplicateEvery === 0 ? [record, record] : [record];
  }
}

/** Any stable spread will do: a member's events keep their order within a topic. */
function partitionOf(key: string, partitions: number): number {
  let hash = 0;
  for (let index = 0; index < key.length; index += 1)
    hash = (Math.imul(hash, 31) + key.charCodeAt(index)) >>> 0;
  return hash % partitions;
}
