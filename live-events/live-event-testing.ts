import type { LiveEvent } from './live-event.ts';

export const testStartMs = 1_795_312_800_000;

/** Announced, a lobby half an hour before the start, live, two hours until the end. */
export function testEvent(changes: Partial<LiveEvent> = {}): LiveEvent {
  return {
    id: 'fight-1',
    title: 'The fight',
    audience: null,
    stages: [
      { key: 'announced', kind: 'announced', startsAtMs: testStartMs - 86_400_000 },
      { key: 'lobby', kind: 'lobby', startsAtMs: testStartMs - 1_800_000 },
      { key: 'live', kind: 'live', startsAtMs: testStartMs },
      { key: 'ended', kind: 'ended', startsAtMs: testStartMs + 7_200_000 },
    ],
    stage: 'announced',
    stageKind: 'announced',
    at: testStartMs - 86_400_000,
    version: 1,
    epoch: 1,
    sequence: 1,
    createdMs: testStartMs - 90_000_000,
    plan: null,
    ...changes,
  };
}
