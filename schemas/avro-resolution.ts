import avsc, { type Type } from 'avsc';

/** How a reader's names are compared with a writer's: with their namespaces or without. One way for all of two schemas. */
export type Naming = 'full' | 'short';

type Resolver = ReturnType<Type['createResolver']>;

/**
 * avsc's resolver by full names or, where those do not fit, by names without their namespaces, which is how Avro matches
 * records and how a registry judges compatibility. Full names first, so that two branches of a union that differ by
 * namespace alone are told apart. Throws what avsc does.
 */
export function resolverOf(writer: Type, reader: Type): Resolver {
  try {
    return resolverBy('full', writer, reader);
  } catch {
    // What this throws is more to the point: it says what is wrong apart from the namespaces.
    return resolverBy('short', writer, reader);
  }
}

/** Which naming {@link resolverOf} goes by; `short` also where it throws. */
export function namingOf(writer: Type, reader: Type): Naming {
  return resolves(writer, reader, 'full') ? 'full' : 'short';
}

/** Whether there is a resolver, by one naming or, where none is given, by either. */
export function resolves(writer: Type, reader: Type, naming?: Naming): boolean {
  try {
    if (naming === undefined) resolverOf(writer, reader);
    else resolverBy(naming, writer, reader);
    return true;
  } catch {
    return false;
  }
}

function resolverBy(naming: Naming, writer: Type, reader: Type): Resolver {
  return reader.createResolver(writer, { ignoreNamespaces: naming === 'short' });
}

/**
 * Of a reader's branches the one that reads what a writer writes as a type that is no union: the first that can. Where none can,
 * it is null, or the only record of that name: it is at fault somewhere below.
 */
export function branchRead(writer: Type, branches: readonly Type[], naming: Naming): Type | null {
  const alike = branches.filter((branch) => isAlike(writer, branch, naming));
  // Whether a record can be read is asked only where there is a choice: it goes through all that lies below.
  if (alike.length < 2) return alike[0] ?? null;
  return alike.find((branch) => resolves(writer, branch, naming)) ?? null;
}

function isAlike(writer: Type, reader: Type, naming: Naming): boolean {
  const { types } = avsc;
  for (const kind of [types.ArrayType, types.MapType]) {
    if (writer instanceof kind && reader instanceof kind) return true;
  }
  if (writer instanceof types.RecordType && reader instanceof types.RecordType)
    return isNamedAlike(writer, reader, naming);
  return resolves(writer, reader, naming);
}

/** True for types without names as well. */
export function isNamedAlike(writer: Type, reader: Type, naming: Naming): boolean {
  if (writer.name === undefined) return true;
  const nameIn = naming === 'full' ? (name: string) => name : withoutNamespace;
  const names = [reader.name, ...(reader.aliases ?? [])];
  return names.some((name) => name !== undefined && nameIn(name) === nameIn(writer.name ?? ''));
}

export function withoutNamespace(name: string | undefined): string {
  return (name ?? '').replace(/^.*\./, '');
}
