import type { StepView } from '../../graph-store/index.ts';

/** Ids of the nodes of a type that a step links to, in the order of its links. */
export function nodesOfType({ links }: StepView, type: string): readonly string[] {
  return links.filter(({ node }) => node.type === type).map(({ node }) => node.id);
}
