import type { FieldCost } from '../cost/field-cost.ts';
import { conditionsMax } from './audience-input.ts';
import { estimateLimitsDefault } from './estimate.ts';

/**
 * A charge, not a count: an estimate ends by time, as many members as it has looked at by then, and few run at once. What it reads is therefore no part of the
 * query's own calls, whose number nobody knows before.
 */
export const estimateCost: FieldCost<unknown> = () => ({
  own: { calls: 100, rows: estimateLimitsDefault.countRowsMax + estimateLimitsDefault.sampleMax },
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

/** As an estimate: what it reads to find targets nobody knows before. */
export const explainCost: FieldCost<unknown> = (input, context) => ({
  ...estimateCost(input, context),
  objects: conditionsMax,
});
