import type { SelectionSetNode } from 'graphql';
import { type ASTVisitor, GraphQLError, type ValidationContext, type ValidationRule } from 'graphql';

function refused(message: string, limit: number): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'QUERY_TOO_LARGE', limit } });
}

/** Refuses a query whose selections nest deeper than `depthMax`, fragments unfolded. Fragment cycles count as too deep. */
export function depthRule(depthMax: number): ValidationRule {
  return (context: ValidationContext): ASTVisitor => ({
    OperationDefinition: (operation) => {
      if (!fits(operation.selectionSet, depthMax, context)) {
        context.reportError(refused(`The query nests deeper than ${depthMax} levels.`, depthMax));
      }
    },
  });
}

function fits(set: SelectionSetNode, left: number, context: ValidationContext): boolean {
  if (left === 0) return false;
  return set.selections.every((selection) => {
    if (selection.kind !== 'FragmentSpread') {
      const inner = selection.selectionSet;
      return inner === undefined || fits(inner, selection.kind === 'Field' ? left - 1 : left, context);
    }
    const fragment = context.getFragment(selection.name.value);
    // A spread costs a level although it adds none to the answer: that is what ends a cycle.
    return fragment == null || fits(fragment.selectionSet, left - 1, context);
  });
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
              refused(`The query has ${aliases} aliases; ${aliasesMax} are allowed.`, aliasesMax),
            );
          }
        },
      },
    };
  };
}
