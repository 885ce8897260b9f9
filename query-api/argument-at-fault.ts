import { type ASTNode, BREAK, type DocumentNode, Kind, visit } from 'graphql';

/**
 * The argument that a node of a query belongs to, such as `since` or `of.id`: the node is a value inside it, the argument
 * itself, or the definition of a variable that is used in it. Null when the node belongs to none.
 */
export function argumentAtFault(document: DocumentNode, fault: ASTNode): string | null {
  let found: string | null = null;
  visit(document, {
    enter: (node, _key, _parent, _path, ancestors) => {
      // A definition is in no argument, and hundreds of one name would each be measured for each error about it.
      if (node.kind === Kind.VARIABLE_DEFINITION) return false;
      const used =
        fault.kind === Kind.VARIABLE_DEFINITION &&
        node.kind === Kind.VARIABLE &&
        node.name.value === fault.variable.name.value;
      if (node !== fault && !used) return undefined;
      found = argumentPath([...new Set([...ancestors.flat(), node])]);
      return found === null ? undefined : BREAK;
    },
  });
  return found;
}

/** Lists of siblings stand among a node's ancestors; they have to be told from the nodes that lead to it. */
function argumentPath(nodes: readonly ASTNode[]): string | null {
  const last = nodes.at(-1);
  const encloses = (node: ASTNode): boolean =>
    node === last || (within(node, last) && (node.kind === Kind.ARGUMENT || node.kind === Kind.OBJECT_FIELD));
  const names = nodes.filter(encloses).flatMap((node) => {
    return node.kind === Kind.ARGUMENT || node.kind === Kind.OBJECT_FIELD ? [node.name.value] : [];
  });
  return names.length === 0 ? null : names.join('.');
}

function within(outer: ASTNode, inner: ASTNode | undefined): boolean {
  if (outer.loc === undefined || inner?.loc === undefined) return false;
  return outer.loc.start <= inner.loc.start && inner.loc.end <= outer.loc.end;
}
