import type { ASTVisitor, FieldNode, SelectionSetNode, ValidationContext } from 'graphql';
import { tooLarge } from './api-error.ts';

const lists: ReadonlySet<string> = new Set([
  'types',
  'fields',
  'interfaces',
  'possibleTypes',
  'inputFields',
  'directives',
]);
/** `types` and one list of each: what every client's introspection asks for. */
const listsMax = 2;

/**
 * Introspection runs in one go, and the schema grows with the graph: so each part of the schema may be listed once. Lists of
 * lists of lists are refused (the types that implement an interface, for each type, are types squared), and so are
 * aliases, which repeat a list.
 */
export function introspectionRule(context: ValidationContext): ASTVisitor {
  const heights = new Map<string, number>();
  const refuse = (message: string, limit: number): void => context.reportError(tooLarge(message, limit));
  return {
    Field: (field) => {
      const isRoot = isIntrospection(field);
      const inside = context.getParentType()?.name.startsWith('__') === true;
      if (field.alias !== undefined && (inside || field.name.value === '__schema')) {
        refuse('Introspection takes no aliases.', 0);
      }
      if (!isRoot || field.selectionSet === undefined) return;
      // Several of them under aliases are fine as long as each only lists itself.
      const most = field.alias === undefined ? listsMax : 1;
      if (listsIn(field.selectionSet, heights, context) > most) {
        refuse(`This introspection may list at most ${most} levels of the schema.`, most);
      }
    },
  };
}

function isIntrospection({ name }: FieldNode): boolean {
  return name.value === '__schema' || name.value === '__type';
}

/** How many lists lie within each other, fragments unfolded; each fragment is measured once, a cycle is endless. */
function listsIn(set: SelectionSetNode, heights: Map<string, number>, context: ValidationContext): number {
  let most = 0;
  for (const selection of set.selections) {
    if (selection.kind === 'FragmentSpread') {
      most = Math.max(most, fragmentLists(selection.name.value, heights, context));
    } else if (selection.selectionSet !== undefined) {
      const own = selection.kind === 'Field' && lists.has(selection.name.value) ? 1 : 0;
      most = Math.max(most, own + listsIn(selection.selectionSet, heights, context));
    }
  }
  return most;
}

function fragmentLists(name: string, heights: Map<string, number>, context: ValidationContext): number {
  const known = heights.get(name);
  if (known !== undefined) return known;
  const fragment = context.getFragment(name);
  if (fragment == null) return 0;
  heights.set(name, Number.POSITIVE_INFINITY);
  const measured = listsIn(fragment.selectionSet, heights, context);
  heights.set(name, measured);
  return measured;
}
