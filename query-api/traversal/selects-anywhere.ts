import type { FragmentDefinitionNode, GraphQLResolveInfo, SelectionSetNode } from 'graphql';

/**
 * Is a field of this name selected anywhere below? Of whatever type, and whatever `@skip` and `@include` say: it may be true too often, which costs what is
 * read in vain, and is never wrongly false.
 */
export function selectsAnywhere(
  { fieldNodes, fragments }: Pick<GraphQLResolveInfo, 'fieldNodes' | 'fragments'>,
  name: string,
): boolean {
  const seen = new Set<FragmentDefinitionNode>();
  const selects = ({ selections }: SelectionSetNode): boolean =>
    selections.some((selection) => {
      if (selection.kind === 'FragmentSpread') {
        const fragment = fragments[selection.name.value];
        if (fragment === undefined || seen.has(fragment)) return false;
        seen.add(fragment);
        return selects(fragment.selectionSet);
      }
      if (selection.kind === 'Field' && selection.name.value === name) return true;
      return selection.selectionSet !== undefined && selects(selection.selectionSet);
    });
  return fieldNodes.some(({ selectionSet }) => selectionSet !== undefined && selects(selectionSet));
}
