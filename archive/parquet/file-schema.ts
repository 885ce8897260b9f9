import type { SchemaElement } from 'hyparquet';

/**
 * A column of a file as its schema means it: groups that only mark lists and maps are left out. Levels are Parquet's: a
 * value is there from definition level `def` on, an item of a list from `itemDef` on, and repeats at `itemRep`.
 */
export interface FileColumn {
  readonly id: number | null;
  readonly name: string;
  readonly def: number;
  readonly rep: number;
  readonly isOptional: boolean;
  /** Of the leaves in a row group's order, the first one below. */
  readonly firstLeaf: number;
  readonly shape: FileShape;
}

export type FileShape =
  | { readonly kind: 'leaf'; readonly element: SchemaElement }
  | { readonly kind: 'struct'; readonly fields: readonly FileColumn[] }
  | {
      readonly kind: 'list';
      readonly itemDef: number;
      readonly itemRep: number;
      readonly element: FileColumn;
    }
  | {
      readonly kind: 'map';
      readonly itemDef: number;
      readonly itemRep: number;
      readonly key: FileColumn;
      readonly value: FileColumn;
    };

export interface FileLeaf {
  readonly element: SchemaElement;
  readonly path: readonly string[];
  readonly maxDef: number;
  readonly maxRep: number;
}

export interface FileSchema {
  readonly columns: readonly FileColumn[];
  readonly leaves: readonly FileLeaf[];
  readonly fieldIds: ReadonlySet<number>;
}

const depthMax = 32;

interface Node {
  readonly element: SchemaElement;
  readonly children: readonly Node[];
  readonly def: number;
  readonly rep: number;
  readonly firstLeaf: number;
}

export function fileSchema(
  elements: readonly SchemaElement[],
  idOf: (path: readonly string[]) => number | null,
): FileSchema {
  const leaves: FileLeaf[] = [];
  const [root, end] = nodeAt(elements, 0, { path: [], def: 0, rep: 0 }, leaves);
  if (end !== elements.length) throw new Error('its schema has parts that belong to nothing');
  const fieldIds = new Set<number>();
  const meaning = new Meaning(idOf, fieldIds);
  const columns = root.children.map((child) => meaning.column(child, []));
  return { columns, leaves, fieldIds };
}

interface Place {
  readonly path: readonly string[];
  readonly def: number;
  readonly rep: number;
}

function nodeAt(
  elements: readonly SchemaElement[],
  index: number,
  above: Place,
  leaves: FileLeaf[],
): readonly [Node, number] {
  const element = elements[index];
  if (element === undefined) throw new Error('its schema ends early');
  if (above.path.length > depthMax) throw new Error('its schema is nested too deep');
  const isRoot = index === 0;
  const repetition = isRoot ? 'REQUIRED' : element.repetition_type;
  const place = {
    path: isRoot ? [] : [...above.path, element.name],
    def: above.def + (repetition === 'REQUIRED' ? 0 : 1),
    rep: above.rep + (repetition === 'REPEATED' ? 1 : 0),
  };
  const firstLeaf = leaves.length;
  const children: Node[] = [];
  let next = index + 1;
  const count = element.num_children ?? 0;
  if (count < 0 || count > elements.length) throw new Error('its schema ends early');
  for (let done = 0; done < count; done += 1) {
    const [child, after] = nodeAt(elements, next, place, leaves);
    children.push(child);
    next = after;
  }
  if (element.type !== undefined) {
    if (count > 0) throw new Error('a column of its schema has both values and children');
    leaves.push({ element, path: place.path, maxDef: place.def, maxRep: place.rep });
  } else if (!isRoot && count === 0)
    throw new Error('a column of its schema has neither values nor children');
  return [{ element, children, def: place.def, rep: place.rep, firstLeaf }, next];
}

/** What groups mean, by the rules for lists and maps of the Parquet format, old writers' included. */
class Meaning {
  readonly #idOf: (path: readonly string[]) => number | null;
  readonly #ids: Set<number>;

  constructor(idOf: (path: readonly string[]) => number | null, ids: Set<number>) {
    this.#idOf = idOf;
    this.#ids = ids;
  }

  column(node: Node, above: readonly string[], name = node.element.name): FileColumn {
    const path = [...above, name];
    // A repeated column that no list holds is one by itself, of items that are there.
    if (node.element.repetition_type === 'REPEATED') return this.#bareList(node, path);
    return this.#single(node, path, this.#identify(node.element.field_id, path));
  }

  #bareList(node: Node, path: readonly string[]): FileColumn {
    const id = this.#identify(node.element.field_id, path);
    const element = this.#single(node, [...path, 'element'], this.#identify(undefined, [...path, 'element']));
    const shape = { kind: 'list', itemDef: node.def, itemRep: node.rep, element } as const;
    const outer = { def: node.def - 1, rep: node.rep - 1, isOptional: false, firstLeaf: node.firstLeaf };
    return { id, name: path.at(-1) ?? '', ...outer, shape };
  }

  #single(node: Node, path: readonly string[], id: number | null): FileColumn {
    const { def, rep, firstLeaf } = node;
    const isOptional = node.element.repetition_type === 'OPTIONAL';
    return { id, name: path.at(-1) ?? '', def, rep, isOptional, firstLeaf, shape: this.#shape(node, path) };
  }

  #shape(node: Node, path: readonly string[]): FileShape {
    const { element, children } = node;
    if (element.type !== undefined) return { kind: 'leaf', element };
    const [inner] = children;
    const isAlone =
      inner !== undefined && children.length === 1 && inner.element.repetition_type === 'REPEATED';
    if (isAlone && isMap(element) && (inner.children.length === 1 || inner.children.length === 2)) {
      const items = { itemDef: inner.def, itemRep: inner.rep };
      const [key, value] = inner.children;
      if (key !== undefined && value !== undefined)
        return {
          kind: 'map',
          ...items,
          key: this.column(key, path, 'key'),
          value: this.column(value, path, 'value'),
        };
    }
    if (isAlone && isList(element)) {
      const items = { itemDef: inner.def, itemRep: inner.rep };
      const [only] = inner.children;
      const isWrapped = inner.children.length === 1 && !isOldElement(inner.element.name, element.name);
      if (isWrapped && only !== undefined)
        return { kind: 'list', ...items, element: this.column(only, path, 'element') };
      const itemPath = [...path, 'element'];
      const itemId = this.#identify(inner.element.field_id, itemPath);
      return { kind: 'list', ...items, element: this.#single(inner, itemPath, itemId) };
    }
    return { kind: 'struct', fields: children.map((child) => this.column(child, path)) };
  }

  #identify(fieldId: number | undefined, path: readonly string[]): number | null {
    const id = fieldId ?? this.#idOf(path);
    if (id !== null) this.#ids.add(id);
    return id;
  }
}

function isList({ converted_type, logical_type }: SchemaElement): boolean {
  return converted_type === 'LIST' || logical_type?.type === 'LIST';
}

function isMap({ converted_type, logical_type }: SchemaElement): boolean {
  return converted_type === 'MAP' || converted_type === 'MAP_KEY_VALUE' || logical_type?.type === 'MAP';
}

function isOldElement(name: string, listName: string): boolean {
  return name === 'array' || name === `${listName}_tuple`;
}
