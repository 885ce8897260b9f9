import type { ASTVisitor, SelectionNode, SelectionSetNode, ValidationContext, ValidationRule } from 'graphql';
import { tooLarge } from './api-error.ts';

/** Refuses a query whose selections nest deeper than `depthMax`, fragments unfolded. Fragment cycles count as too deep. */
export function depthRule(depthMax: number): ValidationRule {
  return (context: ValidationContext): ASTVisitor => {
    const heights = new Map<string, number>();
    return {
      OperationDefinition: (operation) => {
        if (height(operation.selectionSet, heights, context) > depthMax) {
          context.reportError(tooLarge(`The query nests deeper than ${depthMax} levels.`, depthMax));
        }
      },
    };
  };
}

/** Each fragment is measured once: unfolding it at every spread would cost spreads to the power of levels. */
function height(set: SelectionSetNode, heights: Map<string, number>, context: ValidationContext): number {
  let inner = 0;
  for (const selection of set.selections) {
    if (selection.kind === 'FragmentSpread') {
      inner = Math.max(inner, fragmentHeight(selection.name.value, heights, context) - 1);
    } else if (selection.selectionSet !== undefined && !isIntrospection(selection)) {
      const below = height(selection.selectionSet, heights, context);
      inner = Math.max(inner, selection.kind === 'Field' ? below : below - 1);
    }
  }
  return inner + 1;
}

/**
 * Every client's standard introspection nests deeper than a query needs to, along types that wrap types. It reads no graph,
 * and graphql-js itself refuses introspection that fans out.
 */
function isIntrospection(selection: SelectionNode): boolean {
  return (
    selection.kind === 'Field' && (selection.name.value === '__schema' || selection.name.value === '__type')
  );
}

function fragmentHeight(name: string, heights: Map<string, number>, context: ValidationContext): number {
  const known = heights.get(name);
  if (known !== undefined) return known;
  const fragment = context.getFragment(name);
  if (fragment == null) return 0;
  // Stands while the fragment is being measured, so a spread of itself is endless.
  heights.set(name, Number.POSITIVE_INFINITY);
  const measured = height(fragment.selectionSet, heights, context);
  heights.set(name, measured);
  return measured;
}

/** Refuses a document with more than `aliasesMax` aliases: each repeats a field's whole cost. */
export function aliasRule(aliasesMax: number): ValidationRule {
  return (context: ValidationContext): ASTVisitor => {
    let aliases = 0;
    return {
      Field: (field) => {
        if (field.alias !== undefined) aliases += 1;
      },
      Document: {
        leave: () => {
          if (aliases > aliasesMax) {
            context.reportError(
              tooLarge(`The query has ${aliases} aliases; ${aliasesMax} are allowed.`, aliasesMax),
            );
          }
        },
      },
    };
  };
}
