import { rowKind } from './rows.ts';

/** Rows of a kind, by what people call them. */
export type RowCounts = Record<RowName, number>;

const names = {
  [rowKind.node]: 'nodes',
  [rowKind.tombstone]: 'nodeTombstones',
  [rowKind.step]: 'steps',
  [rowKind.out]: 'occurrences',
  [rowKind.in]: 'reverseOccurrences',
  [rowKind.edgeTombstone]: 'edgeTombstones',
} as const;

export type RowName = (typeof names)[keyof typeof names] | 'origins';

export function noRows(): RowCounts {
  return {
    nodes: 0,
    nodeTombstones: 0,
    steps: 0,
    occurrences: 0,
    reverseOccurrences: 0,
    edgeTombstones: 0,
    origins: 0,
  };
}

/** Null of a byte that is no kind. */
export function rowNameOf(kind: number): RowName | null {
  switch (kind) {
    case rowKind.node:
    case rowKind.tombstone:
    case rowKind.step:
    case rowKind.out:
    case rowKind.in:
    case rowKind.edgeTombstone:
      return names[kind];
    default:
      return null;
  }
}
