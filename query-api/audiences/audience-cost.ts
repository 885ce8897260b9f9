import type { FieldCost } from '../cost/field-cost.ts';
import { conditionsMax } from './audience-input.ts';
import { estimateLimitsDefault } from './estimate.ts';
import { probeRowsMax } from './membership.ts';

/** An estimate looks at what it counts at most, and at as many members as it has time for, each by a call or two. */
export const estimateCost: FieldCost<unknown> = () => ({
  own: {
    calls: estimateLimitsDefault.sampleMax,
    rows: estimateLimitsDefault.countRowsMax + estimateLimitsDefault.sampleMax,
  },
  objects: 1,
  cheaper: [],
});

/** What a freezing reads is no part of the query that begins it: one runs at a time, giving way, within `audience.members.max`. */
export const freezeCost: FieldCost<unknown> = () => ({ own: { calls: 1, rows: 0 }, objects: 1, cheaper: [] });

/** Of the audiences' own database, a block of names for each. */
export const membersCost: FieldCost<{ readonly first?: number | null }> = ({ first }, { limits }) => {
  const value = first ?? limits.pageDefault;
  return {
    own: { calls: 1, rows: value },
    objects: value,
    cheaper: [{ argument: 'first', value, least: 1 }],
  };
};

export const containsCost: FieldCost<unknown> = () => ({
  own: { calls: 1, rows: 1 },
  objects: 1,
  cheaper: [],
});

export const explainCost: FieldCost<unknown> = () => ({
  own: { calls: conditionsMax, rows: probeRowsMax },
  objects: conditionsMax,
  cheaper: [],
});
