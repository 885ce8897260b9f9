import { unreachable } from '../foundation/index.ts';
import type { EventMutations } from './model.ts';
import { PackedEvent } from './packed-event.ts';
import { tag } from './packed-format.ts';

/** Mutations by what they change; a delete is a change of what it deletes. */
export interface MutationCounts {
  readonly nodes: number;
  readonly edges: number;
  readonly steps: number;
}

export const noMutations: MutationCounts = { nodes: 0, edges: 0, steps: 0 };

export function addMutationCounts(a: MutationCounts, b: MutationCounts): MutationCounts {
  return { nodes: a.nodes + b.nodes, edges: a.edges + b.edges, steps: a.steps + b.steps };
}

/** Looks at each of the event's mutations: for events that go no further, not for all. */
export function countMutations(event: EventMutations | PackedEvent): MutationCounts {
  const counts = { ...noMutations };
  if (event instanceof PackedEvent) {
    event.eachTag((one) => {
      if (one === tag.node || one === tag.nodeSets || one === tag.nodeDelete) counts.nodes += 1;
      else if (one === tag.edge || one === tag.edgeDelete) counts.edges += 1;
      else if (one === tag.step) counts.steps += 1;
    });
    return counts;
  }
  for (const mutation of event.mutations) {
    switch (mutation.kind) {
      case 'node':
      case 'node-delete':
        counts.nodes += 1;
        break;
      case 'edge':
      case 'edge-delete':
        counts.edges += 1;
        break;
      case 'step':
        counts.steps += 1;
        break;
      default:
        unreachable(mutation);
    }
  }
  return counts;
}
