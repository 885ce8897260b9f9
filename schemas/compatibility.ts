import avsc, { type Type } from 'avsc';

export interface Incompatibility {
  /** Field path from the record inwards; empty for the whole event. */
  readonly path: string;
  readonly sentence: string;
}

const faultsMax = 20;

/**
 * Where a reader cannot read a writer, for people. Whether it can is avsc's decision, whose own message names only the
 * two types ("cannot read S as S"); this walks both and finds the paths. It may find none where only avsc objects.
 */
export function incompatibilities(writer: Type, reader: Type): readonly Incompatibility[] {
  const faults: Incompatibility[] = [];
  const seen = new Set<Type>();
  const pending: { writer: Type; reader: Type; path: string }[] = [{ writer, reader, path: '' }];
  for (let next = pending.pop(); next !== undefined && faults.length < faultsMax; next = pending.pop()) {
    const { types } = avsc;
    if (next.writer instanceof types.RecordType && next.reader instanceof types.RecordType) {
      if (seen.has(next.reader)) continue;
      seen.add(next.reader);
      faults.push(...compareRecords(next.writer, next.reader, next.path, pending));
    } else if (!resolves(next.writer, next.reader)) {
      const sentence = `is ${next.writer.typeName.replace('abstract:', '')} as written and ${next.reader.typeName.replace('abstract:', '')} as read`;
      faults.push({ path: next.path, sentence });
    }
  }
  return faults;
}

function compareRecords(
  writer: avsc.types.RecordType,
  reader: avsc.types.RecordType,
  path: string,
  pending: { writer: Type; reader: Type; path: string }[],
): readonly Incompatibility[] {
  const faults: Incompatibility[] = [];
  const known = [reader.name, ...(reader.aliases ?? [])].map(withoutNamespace);
  if (!known.includes(withoutNamespace(writer.name))) {
    faults.push({
      path,
      sentence: `is named ${writer.name} as written and ${reader.name} as read, without an alias`,
    });
  }
  for (const field of reader.fields) {
    const below = path === '' ? field.name : `${path}.${field.name}`;
    const names = [field.name, ...field.aliases];
    const written = writer.fields.find((candidate) => names.includes(candidate.name));
    if (written !== undefined) pending.push({ writer: written.type, reader: field.type, path: below });
    else if (field.defaultValue() === undefined) {
      faults.push({ path: below, sentence: 'was not written and has no default' });
    }
  }
  return faults;
}

function withoutNamespace(name: string | undefined): string {
  return (name ?? '').replace(/^.*\./, '');
}

/**
 * avsc's resolver by full names or, where those do not fit, by names without their namespaces, which is how Avro matches
 * records and how a registry judges compatibility. Full names first, so that two branches of a union that differ by
 * namespace alone are told apart. Throws what avsc does.
 */
export function resolverOf(writer: Type, reader: Type): ReturnType<Type['createResolver']> {
  try {
    return reader.createResolver(writer);
  } catch {
    // What this throws is more to the point: it says what is wrong apart from the namespaces.
    return reader.createResolver(writer, { ignoreNamespaces: true });
  }
}

function resolves(writer: Type, reader: Type): boolean {
  try {
    resolverOf(writer, reader);
    return true;
  } catch {
    return false;
  }
}
