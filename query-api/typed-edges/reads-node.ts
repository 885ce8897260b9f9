import {
  type FragmentDefinitionNode,
  type GraphQLResolveInfo,
  isInterfaceType,
  isObjectType,
  type SelectionSetNode,
} from 'graphql';
import { readsNode } from '../graph-node-type.ts';

/** The same for all edges of a level: graphql-js hands each of them one list of field nodes. */
const known = new WeakMap<GraphQLResolveInfo['fieldNodes'], boolean>();

/**
 * Does what is selected of a node need it to be read, or does the edge that leads to it say all? Fields say it in their extensions;
 * what `@skip` and `@include` leave out counts as selected.
 */
export function selectsNode({ fieldNodes, fragments, schema, returnType }: GraphQLResolveInfo): boolean {
  const decided = known.get(fieldNodes);
  if (decided !== undefined) return decided;
  const reads = fieldNodes.some(({ selectionSet }) => {
    if (selectionSet === undefined) return false;
    return selects(selectionSet, String(returnType), { fragments, schema }, new Set());
  });
  known.set(fieldNodes, reads);
  return reads;
}

function selects(
  set: SelectionSetNode,
  typeName: string,
  info: Pick<GraphQLResolveInfo, 'fragments' | 'schema'>,
  seen: Set<FragmentDefinitionNode>,
): boolean {
  return set.selections.some((selection) => {
    if (selection.kind === 'Field') {
      const type = info.schema.getType(typeName);
      if (!isObjectType(type) && !isInterfaceType(type)) return true;
      return type.getFields()[selection.name.value]?.extensions.readsNode === readsNode.readsNode;
    }
    if (selection.kind === 'InlineFragment') {
      return selects(selection.selectionSet, selection.typeCondition?.name.value ?? typeName, info, seen);
    }
    const fragment = info.fragments[selection.name.value];
    if (fragment === undefined || seen.has(fragment)) return false;
    seen.add(fragment);
    return selects(fragment.selectionSet, fragment.typeCondition.name.value, info, seen);
  });
}
