import { expect, it } from 'vitest';
import { growingShape } from '../ingest/playback-events.ts';
import { type PlaybackFact, PlaybackFacts } from '../ingest/playback-facts.ts';
import { growRival, loadingMsOf } from './grow-rival.ts';
import type { Rival } from './rival.ts';

const plans = [
  { eventsPerBatch: 10, sessions: 1 },
  { eventsPerBatch: 10, sessions: 2 },
  { eventsPerBatch: 1000, sessions: 1 },
];

function keeper(
  keep: (facts: readonly PlaybackFact[]) => number,
): Rival & { readonly given: PlaybackFact[] } {
  const given: PlaybackFact[] = [];
  let kept = 0;
  return {
    name: 'ladybug',
    plans,
    given,
    load: async (facts) => {
      given.push(...facts);
      kept += keep(facts);
    },
    countEvents: async () => kept,
    diskBytes: async () => 0,
    close: async () => undefined,
  };
}

async function facts(): Promise<PlaybackFacts> {
  return PlaybackFacts.start({ seed: 1, shape: growingShape(1000, 'zipf'), startMs: 1_000, spacingMs: 0.5 });
}

it('gives a rival each event once, in order, up to the bound, and leaves out plans that are too large to try', async () => {
  const rival = keeper((batch) => batch.length);
  const bounds = { eventsMax: 1234, loadingMsMax: 60_000, trialEvents: 50 };
  const grown = await growRival(rival, await facts(), bounds, () => undefined);
  expect(rival.given).toEqual((await facts()).take(1234));
  expect(grown).toMatchObject({ events: 1234, lost: 0 });
  expect(grown.plan.eventsPerBatch).toBe(10);
  // A first trial, then one of each plan that is small enough.
  expect(grown.warmUpEvents).toBe(150);
  expect(grown.curve.events).toBe(1234);
  expect(Math.min(grown.early, grown.late, grown.eventsPerSecond)).toBeGreaterThan(0);
});

it('leaves half of the events for what is measured, however many a trial would take', async () => {
  const rival = keeper((batch) => batch.length);
  const bounds = { eventsMax: 80, loadingMsMax: 60_000, trialEvents: 1000 };
  const grown = await growRival(rival, await facts(), bounds, () => undefined);
  expect(grown.events).toBe(80);
  expect(grown.eventsPerSecond).toBeGreaterThan(0);
});

it('says how many events a rival did not keep', async () => {
  const bounds = { eventsMax: 500, loadingMsMax: 60_000, trialEvents: 50 };
  const lossy = keeper((batch) => batch.length - 1);
  const { lost } = await growRival(lossy, await facts(), bounds, () => undefined);
  expect(lost).toBeGreaterThan(0);
});

it('loads a rival for as long as the command line says, and as the benchmark does where it says nothing', () => {
  const rivalSeconds = { neo4j: 300 };
  expect(loadingMsOf({ rivalSeconds }, 'neo4j', 5000)).toBe(300_000);
  expect(loadingMsOf({ rivalSeconds }, 'postgresql', 5000)).toBe(5000);
});
