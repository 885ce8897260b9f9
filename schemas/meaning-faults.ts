import avsc, { type Type } from 'avsc';
import type { AvroSchema } from './avro-type.ts';
import type { Incompatibility } from './compatibility.ts';
import type { LogicalType } from './logical-type.ts';
import { withoutNull } from './path-resolver.ts';

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
 * Of unions of several branches those of one name are compared.
 */
export function meaningFaults(writer: AvroSchema, reader: AvroSchema): readonly Incompatibility[] {
  const faults: Incompatibility[] = [];
  const seen = new Set<Type>();
  const pending: Pair[] = [{ writer: writer.type, reader: reader.type, path: '' }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { path } = next;
    const pair = { writer: withoutNull(next.writer), reader: withoutNull(next.reader), path };
    const written = writer.logicalType(pair.writer);
    const read = reader.logicalType(pair.reader);
    if (written !== null && read !== null && describe(written) !== describe(read)) {
      faults.push({
        kind: 'meaning',
        path,
        sentence: `is ${describe(written)} as written and ${describe(read)} as read`,
      });
    }
    if (seen.has(pair.reader)) continue;
    seen.add(pair.reader);
    pending.push(...below(pair));
  }
  return faults;
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
    return [{ writer: writer.itemsType, reader: reader.itemsType, path }];
  if (writer instanceof types.MapType && reader instanceof types.MapType)
    return [{ writer: writer.valuesType, reader: reader.valuesType, path }];
  if (isUnion(writer) && isUnion(reader)) {
    return reader.types.flatMap((type) => {
      const written = writer.types.find(({ branchName }) => branchName === type.branchName);
      return written === undefined ? [] : [{ writer: written, reader: type, path }];
    });
  }
  return [];
}

function isUnion(type: Type): type is avsc.types.UnwrappedUnionType | avsc.types.WrappedUnionType {
  return type instanceof avsc.types.UnwrappedUnionType || type instanceof avsc.types.WrappedUnionType;
}

/** Digits before the point may grow: they change no value. */
function describe(type: LogicalType): string {
  return type.kind === 'decimal' ? `a decimal of scale ${type.scale}` : `a ${type.kind}`;
}
