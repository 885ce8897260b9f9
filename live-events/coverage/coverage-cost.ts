import type { FieldCost } from '../../query-api/index.ts';

/** Of coverage's own database: a broadcast is one row, however many members it went to. */
export const coverageCost: FieldCost<unknown> = () => ({
  own: { calls: 1, rows: 1 },
  objects: 1,
  cheaper: [],
});

export const coveragesCost: FieldCost<{ readonly last: number }> = ({ last }) => ({
  own: { calls: 1, rows: last },
  objects: last,
  cheaper: [{ argument: 'last', value: last, least: 1 }],
});

export const missingMembersCost: FieldCost<{ readonly first: number }> = ({ first }) => ({
  own: { calls: 1, rows: first },
  objects: first,
  cheaper: [{ argument: 'first', value: first, least: 1 }],
});
