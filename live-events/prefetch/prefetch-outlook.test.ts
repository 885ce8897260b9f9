import { describe, expect, it } from 'vitest';
import { prefetchOutlook } from './prefetch-outlook.ts';

const asked = { total: 1000, members: 500, newPerSecond: 1, startsAtMs: 600_000, nowMs: 0, shareWanted: 0.8 };

describe('the outlook of a prefetch', () => {
  it('lets the rate fall as fewer are left', () => {
    const { expectedMembers, atRisk, isEnough, enoughAtMs } = prefetchOutlook(asked);
    // 500 of whom one in 500 comes each second, for 600 of them.
    expect(expectedMembers).toBe(Math.floor(1000 - 500 * Math.exp(-1.2)));
    expect(atRisk).toBe(1000 - expectedMembers);
    expect(isEnough).toBe(true);
    expect(enoughAtMs).toBe(Math.ceil(500_000 * Math.log(2.5)));
  });

  it('is no when there is too little time, or nobody comes', () => {
    expect(prefetchOutlook({ ...asked, startsAtMs: 60_000 })).toMatchObject({ isEnough: false });
    expect(prefetchOutlook({ ...asked, newPerSecond: 0 })).toMatchObject({
      expectedMembers: 500,
      atRisk: 500,
      isEnough: false,
      enoughAtMs: null,
    });
  });

  it('is yes of an audience that has all it wants, or has nobody', () => {
    expect(prefetchOutlook({ ...asked, members: 800, newPerSecond: 0 })).toMatchObject({
      isEnough: true,
      enoughAtMs: 0,
    });
    expect(prefetchOutlook({ ...asked, total: 0, members: 0 })).toMatchObject({ isEnough: true, atRisk: 0 });
  });
});
