import { describe, expect, it } from 'vitest';
import { readArchiveRetention } from './archive-retention.ts';

describe('how long archived rows stay', () => {
  it('is said by topic, in days or other units', () => {
    expect(readArchiveRetention(['member.plays=365d', '*=48h'])).toEqual(
      new Map([
        ['member.plays', 365 * 86_400_000],
        ['*', 2 * 86_400_000],
      ]),
    );
  });

  it.each([[['plays']], [['plays=']], [['plays=1h']], [['plays=1d', 'plays=2d']], [['plays=forever']]])(
    'is not read from %j',
    (items) => {
      expect(readArchiveRetention(items)).toBeNull();
    },
  );
});
