import type { ASTVisitor, SelectionNode, SelectionSetNode, ValidationContext } from 'graphql';
import { tooLarge } from '../api-error.ts';

/** Generated clients put one or two on what they include by a variable; validation compares those of one place in pairs. */
const directivesMax = 50;
const directivesEachMax = 4;
/** Each is resolved for itself. A query that looks at many nodes has fields for that. */
const rootFieldsMax = 32;

/** Refuses a document with more directives than a client writes, on one field or in all. */
export function directiveRule(context: ValidationContext): ASTVisitor {
  let all = 0;
  const check = ({ directives }: SelectionNode): void => {
    const count = directives?.length ?? 0;
    if (count <= directivesEachMax) return;
    const message = `A field or fragment takes at most ${directivesEachMax} directives.`;
    context.reportError(tooLarge(message, directivesEachMax));
  };
  return {
    Field: check,
    FragmentSpread: check,
    InlineFragment: check,
    Directive: () => {
      all += 1;
    },
    Document: {
      leave: () => {
        if (all <= directivesMax) return;
        const message = `The query has ${all} directives; ${directivesMax} are allowed.`;
        context.reportError(tooLarge(message, directivesMax));
      },
    },
  };
}

/** Refuses an operation with more fields at its root than one may have, fragments unfolded, each counted by its name in the answer. */
export function rootFieldRule(context: ValidationContext): ASTVisitor {
  return {
    OperationDefinition: ({ selectionSet }) => {
      const keys = new Set<string>();
      collectKeys(selectionSet, keys, new Set(), context);
      if (keys.size <= rootFieldsMax) return;
      const message = `The query has ${keys.size} fields at its root; ${rootFieldsMax} are allowed. Ask in several queries.`;
      context.reportError(tooLarge(message, rootFieldsMax));
    },
  };
}

function collectKeys(
  set: SelectionSetNode,
  keys: Set<string>,
  visited: Set<string>,
  context: ValidationContext,
): void {
  for (const selection of set.selections) {
    if (selection.kind === 'Field') keys.add((selection.alias ?? selection.name).value);
    else if (selection.kind === 'InlineFragment') collectKeys(selection.selectionSet, keys, visited, context);
    else if (!visited.has(selection.name.value)) {
      visited.add(selection.name.value);
      const fragment = context.getFragment(selection.name.value);
      if (fragment != null) collectKeys(fragment.selectionSet, keys, visited, context);
    }
  }
}
