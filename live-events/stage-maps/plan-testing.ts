import type { ConditionContext } from '../../query-api/index.ts';
import type { Show } from './show.ts';

export const testContext: ConditionContext = {
  nowMs: 1_795_300_000_000,
  lookbackMs: 100 * 86_400_000,
  schema: { nodeTypes: [], edgeTypes: [], domains: [] },
};

export function testShow(changes: Partial<Show> = {}): Show {
  return {
    title: 'The fight',
    artwork: 'hero',
    placement: 'top-row',
    deepLink: 'app://event/fight-1',
    player: 'stay',
    ...changes,
  };
}

/** Members who watched a title. */
export function watchedWhere(title: string): object {
  return {
    did: { edge: 'WATCHED', since: '1970-01-01T00:00:00Z', to: { nodes: [{ type: 'Title', id: title }] } },
  };
}

interface TestSegment {
  readonly key: string;
  readonly where?: unknown;
  readonly show?: unknown;
  readonly devices?: unknown;
}

export function testSegment({ key, ...rest }: TestSegment): object {
  return { key, reason: `because of ${key}`, show: { live: testShow({ title: `for ${key}` }) }, ...rest };
}

export function testPlan(segments: readonly object[], rest: object = {}): string {
  return JSON.stringify({ segments, ...rest });
}
