/** Fields of a record and of the records in it, each with its number where it was asked for. */
export interface FieldTree {
  readonly number: number | null;
  readonly fields: ReadonlyMap<string, FieldTree>;
}

interface Growing {
  number: number | null;
  readonly fields: Map<string, Growing>;
}

/** A path's number is its place in the list; of equal paths only the last has one. */
export function fieldTree(paths: readonly (readonly string[])[]): FieldTree {
  const root: Growing = { number: null, fields: new Map() };
  paths.forEach((path, number) => {
    let at = root;
    for (const name of path) {
      const inner: Growing = at.fields.get(name) ?? { number: null, fields: new Map() };
      at.fields.set(name, inner);
      at = inner;
    }
    at.number = number;
  });
  return root;
}
