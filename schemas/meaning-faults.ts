import avsc, { type Type } from 'avsc';
import { branchRead, isNamedAlike, namingOf } from './avro-resolution.ts';
import type { AvroSchema } from './avro-type.ts';
import type { Incompatibility } from './compatibility.ts';
import type { LogicalType } from './logical-type.ts';
import { branchesOf, branchName } from './path-resolver.ts';

interface Pair {
  readonly writer: Type;
  readonly reader: Type;
  readonly path: string;
}

/**
 * Where two schemas agree on the bytes and not on what they mean: a decimal with another scale, microseconds where milliseconds
 * were written. Resolving them would give other values without a word, so Avro asks that they do not match. What only one of
 * them says is no fault: a reader may know more about a plain long than its writer does.
 *
 * Each branch of a writer's union is compared with what reads it, which of a reader's union is the branch that resolution takes.
 */
export function meaningFaults(writer: AvroSchema, reader: AvroSchema): readonly Incompatibility[] {
  const faults: Incompatibility[] = [];
  const naming = namingOf(writer.type, reader.type);
  /** By both: a reader's record may read several of the writer's. */
  const seen = new Map<Type, Set<Type>>();
  const pending: Pair[] = [{ writer: writer.type, reader: reader.type, path: '' }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (isUnion(next.writer)) {
      pending.push(...writtenBranches(next));
      continue;
    }
    const read = isUnion(next.reader) ? branchRead(next.writer, next.reader.types, naming) : next.reader;
    if (read === null) continue;
    const pair = { ...next, reader: read };
    const fault = faultOf(writer.logicalType(pair.writer), reader.logicalType(read), pair.path);
    if (fault !== null) faults.push(fault);
    const readers = seen.get(pair.writer) ?? new Set();
    if (readers.has(read)) continue;
    seen.set(pair.writer, readers.add(read));
    // Records that may not read each other are a fault of their own, and what lies below them would be another at each field.
    if (isNamedAlike(pair.writer, read, naming)) pending.push(...below(pair));
  }
  return faults;
}

function faultOf(
  written: LogicalType | null,
  read: LogicalType | null,
  path: string,
): Incompatibility | null {
  if (written === null || read === null || describe(written) === describe(read)) return null;
  return {
    kind: 'meaning',
    path,
    sentence: `is ${describe(written)} as written and ${describe(read)} as read`,
  };
}

function writtenBranches({ writer, reader, path }: Pair): readonly Pair[] {
  const branches = branchesOf(writer);
  return branches.map((branch) => {
    const isChosen = branches.length > 1 && branch.name !== undefined;
    return { writer: branch, reader, path: isChosen ? `${path}[${branchName(branch)}]` : path };
  });
}

function below({ writer, reader, path }: Pair): readonly Pair[] {
  const { types } = avsc;
  if (writer instanceof types.RecordType && reader instanceof types.RecordType) {
    return reader.fields.flatMap(({ name, aliases, type }) => {
      const written = writer.fields.find((field) => field.name === name || aliases.includes(field.name));
      const inner = path === '' ? name : `${path}.${name}`;
      return written === undefined ? [] : [{ writer: written.type, reader: type, path: inner }];
    });
  }
  if (writer instanceof types.ArrayType && reader instanceof types.ArrayType)
    return [{ writer: writer.itemsType, reader: reader.itemsType, path: `${path}[]` }];
  if (writer instanceof types.MapType && reader instanceof types.MapType)
    return [{ writer: writer.valuesType, reader: reader.valuesType, path: `${path}{}` }];
  return [];
}

function isUnion(type: Type): type is avsc.types.UnwrappedUnionType | avsc.types.WrappedUnionType {
  return type instanceof avsc.types.UnwrappedUnionType || type instanceof avsc.types.WrappedUnionType;
}

/** Digits before the point may grow: they change no value. */
function describe(type: LogicalType): string {
  return type.kind === 'decimal' ? `a decimal of scale ${type.scale}` : `a ${type.kind}`;
}
