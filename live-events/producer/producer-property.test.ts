import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Broadcast } from '../../device/index.ts';
import { JourneyGraphError, seededRandom } from '../../foundation/index.ts';
import { broadcastOf, type JournalEntry, type LiveEvent } from '../live-event.ts';
import type { LiveCommand } from '../state/live-command.ts';
import { type FakeDisk, fakeDisk } from '../state/live-journal.fake.ts';
import {
  advanceTo,
  asking,
  createFight,
  fightStages,
  minuteMs,
  move,
  startMs,
} from '../state/live-testing.ts';
import { dueStage } from '../state/schedule.ts';
import { kill, type Life, startLife } from './producer-testing.ts';
import { VirtualClock } from './virtual-clock.fake.ts';

const ids = ['a', 'b', 'c'] as const;
const keys = fightStages.map(({ key }) => key);

type Step =
  | { readonly do: 'command'; readonly id: string; readonly command: LiveCommand }
  | { readonly do: 'pass'; readonly minutes: number }
  | { readonly do: 'set'; readonly minutes: number }
  | { readonly do: 'log'; readonly mode: 'takes' | 'away' | 'lost' }
  | { readonly do: 'journal'; readonly isBroken: boolean }
  | { readonly do: 'kill' };

const command: fc.Arbitrary<LiveCommand> = fc.oneof(
  { arbitrary: fc.constantFrom(...keys, null).map(advanceTo), weight: 2 },
  {
    arbitrary: fc
      .tuple(fc.constantFrom(...keys), fc.option(fc.integer({ min: 0, max: 300 })), fc.boolean())
      .map(([key, minutes, all]) => move(key, minutes, all)),
    weight: 4,
  },
  { arbitrary: fc.constantFrom<LiveCommand>({ kind: 'end' }, { kind: 'cancel' }), weight: 1 },
  { arbitrary: fc.constant<LiveCommand>({ kind: 'plan', plan: 'p' }), weight: 1 },
);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    arbitrary: fc.record({ do: fc.constant('command' as const), id: fc.constantFrom(...ids), command }),
    weight: 6,
  },
  {
    arbitrary: fc.record({ do: fc.constant('pass' as const), minutes: fc.constantFrom(0, 0.01, 1, 10, 30) }),
    weight: 6,
  },
  {
    arbitrary: fc.record({ do: fc.constant('set' as const), minutes: fc.integer({ min: -20, max: 20 }) }),
    weight: 1,
  },
  {
    arbitrary: fc.record({
      do: fc.constant('log' as const),
      mode: fc.constantFrom('takes' as const, 'away' as const, 'lost' as const),
    }),
    weight: 2,
  },
  { arbitrary: fc.record({ do: fc.constant('journal' as const), isBroken: fc.boolean() }), weight: 1 },
  { arbitrary: fc.record({ do: fc.constant('kill' as const) }), weight: 2 },
);

function place({ stages, stage }: LiveEvent): number {
  const index = stages.findIndex(({ key }) => key === stage);
  return index === -1 ? stages.length : index;
}

/** Of one event, in the order of the journal. */
function checkJournal(entries: readonly JournalEntry[]): void {
  expect(entries.map(({ sequence }) => sequence)).toEqual(entries.map((_, i) => i + 1));
  let before: LiveEvent | null = null;
  for (const { command: kind, timeMs, after } of entries) {
    if (before !== null) {
      expect(place(after)).toBeGreaterThanOrEqual(place(before));
      expect(after.at).toBeGreaterThanOrEqual(before.at);
    }
    if (kind === 'clock' && before !== null) {
      // By the schedule in force at that moment, and no other.
      const due = dueStage(before, timeMs);
      expect(due?.key).toBe(after.stage);
      expect(after.at).toBe(Math.max(before.at, due?.startsAtMs ?? 0));
    }
    before = after;
  }
}

class Run {
  readonly clock = new VirtualClock(startMs);
  readonly disk: FakeDisk = fakeDisk();
  readonly #random: () => number;
  readonly #lives: Life[] = [];
  readonly #newest = new Map<string, number>();
  published = 0;
  /** What was published last of each event, by whichever life. */
  readonly last = new Map<string, Broadcast>();
  life: Life;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
    this.life = this.#start();
  }

  #start(): Life {
    const life = startLife(this.disk, this.clock, this.#random, { lanes: 2, waitingMax: 3 });
    this.#newest.clear();
    life.broadcasts.onWay = () => this.clock.sleep(Math.floor(this.#random() * 3) * 700);
    life.broadcasts.onPublish = (broadcast) => {
      this.published += 1;
      this.last.set(broadcast.event, broadcast);
      const journaled = this.disk.entries.find(
        ({ event, sequence }) => event === broadcast.event && sequence === broadcast.sequence,
      );
      expect(journaled === undefined ? null : broadcastOf(journaled.after)).toEqual(broadcast);
      // Within one life in order, and again only what nobody was told of having arrived.
      const newest = this.#newest.get(broadcast.event) ?? 0;
      expect(broadcast.sequence).toBeGreaterThanOrEqual(newest);
      this.#newest.set(broadcast.event, broadcast.sequence);
    };
    this.#lives.push(life);
    return life;
  }

  async take(one: Step): Promise<void> {
    switch (one.do) {
      case 'command':
        await this.life.service.run(one.id, one.command, asking).catch((error: unknown) => {
          expect(error).toBeInstanceOf(JourneyGraphError);
        });
        return;
      case 'pass':
        return await this.clock.pass(one.minutes * minuteMs);
      case 'set':
        return this.clock.set(one.minutes * minuteMs);
      case 'log':
        this.life.broadcasts.mode = one.mode;
        return;
      case 'journal':
        this.life.journal.isBroken = one.isBroken;
        return;
      case 'kill':
        kill(this.life);
        this.life = this.#start();
    }
  }

  async end(): Promise<void> {
    const stopping = this.#lives.map(({ producer }) => producer.stop());
    await this.clock.pass(10 * minuteMs);
    await Promise.all(stopping);
  }
}

it('After any interleaving no old timer fired, nothing was published before it was journaled, and the newest is published in the end', async () => {
  let clockEntries = 0;
  let published = 0;
  const property = fc.asyncProperty(
    fc.array(step, { minLength: 5, maxLength: 40 }),
    fc.integer({ min: 1, max: 2 ** 31 - 1 }),
    async (steps, seed) => {
      const run = new Run(seed);
      for (const id of ids) await run.life.service.run(id, createFight, asking);
      for (const one of steps) await run.take(one);
      await run.take({ do: 'journal', isBroken: false });
      await run.take({ do: 'log', mode: 'takes' });
      await run.clock.pass(minuteMs);
      // One may have become due just now and be on its way.
      for (let i = 0; i < 10 && run.life.producer.status.unpublishedCount > 0; i += 1)
        await run.clock.pass(1000);
      for (const id of ids) {
        const entries = run.disk.entries.filter(({ event }) => event === id);
        checkJournal(entries);
        clockEntries += entries.filter((entry) => entry.command === 'clock').length;
        const newest = entries.at(-1)?.after;
        if (newest === undefined) throw new Error('it was created');
        expect(dueStage(newest, run.clock.now())).toBe(null);
        expect(run.last.get(id)).toEqual(broadcastOf(newest));
      }
      published += run.published;
      expect(run.life.producer.status).toEqual({ unpublishedCount: 0, failingSinceMs: null });
      await run.end();
    },
  );
  await fc.assert(property, { seed: 11, numRuns: 200 });
  expect(clockEntries).toBeGreaterThan(200);
  expect(published).toBeGreaterThan(1000);
}, 60_000);
