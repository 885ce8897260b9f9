import { BadDataError } from '../foundation/index.ts';
import { resolverOf } from './avro-resolution.ts';
import type { AvroSchema } from './avro-type.ts';
import { type Incompatibility, incompatibilities } from './compatibility.ts';
import { meaningFaults } from './meaning-faults.ts';
import { compileWireScan, type WireLimits, wireLimitsDefault } from './wire-scan.ts';

/**
 * Reads the datum between `start` and `end` as the reader's schema has it. Throws `BadDataError`: what the wire scan finds,
 * or `AVRO_UNREADABLE` when the value does not fit the reader's schema (such as a branch that it no longer has).
 */
export type Decode = (bytes: Uint8Array, start: number, end: number) => unknown;

/** Who wrote and who reads, for errors. */
export interface SchemaPair {
  readonly subject: string;
  readonly writerId: number;
  readonly readerVersion: number;
}

/**
 * The wire scan by the writer's schema, then avsc with a resolver to the reader's.
 *
 * Throws `BadDataError` code `SCHEMA_INCOMPATIBLE`, naming subject, versions and the paths that do not resolve.
 */
export function compileDecoder(
  writer: AvroSchema,
  reader: AvroSchema,
  pair: SchemaPair,
  limits: WireLimits = wireLimitsDefault,
): Decode {
  const scan = compileWireScan(writer.type, limits);
  const resolver = writer.text === reader.text ? undefined : createResolver(writer, reader, pair);
  if (resolver !== undefined) checkMeaning(writer, reader, pair);
  return (bytes, start, end) => {
    scan(bytes, start, end);
    const buffer = Buffer.isBuffer(bytes)
      ? bytes
      : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    try {
      return reader.type.decode(buffer, start, resolver).value;
    } catch (cause) {
      throw new BadDataError(
        'AVRO_UNREADABLE',
        `The event, written with schema ${pair.writerId}, holds a value that version ${pair.readerVersion} of ${pair.subject} cannot read.`,
        { cause, context: { subject: pair.subject, schemaId: pair.writerId } },
      );
    }
  };
}

function createResolver(
  writer: AvroSchema,
  reader: AvroSchema,
  pair: SchemaPair,
): ReturnType<AvroSchema['type']['createResolver']> {
  try {
    return resolverOf(writer.type, reader.type);
  } catch (cause) {
    throw incompatible(incompatibilities(writer.type, reader.type), pair, { cause });
  }
}

/** The bytes may fit and still mean something else. */
function checkMeaning(writer: AvroSchema, reader: AvroSchema, pair: SchemaPair): void {
  const faults = meaningFaults(writer, reader);
  if (faults.length > 0) throw incompatible(faults, pair);
}

function incompatible(
  faults: readonly Incompatibility[],
  pair: SchemaPair,
  options: { readonly cause?: unknown } = {},
): BadDataError {
  const list =
    faults.length === 0
      ? ''
      : ` ${faults.map(({ path, sentence }) => `\`${path}\` ${sentence}`).join('; ')}.`;
  return new BadDataError(
    'SCHEMA_INCOMPATIBLE',
    `Events written with schema ${pair.writerId} cannot be read with version ${pair.readerVersion} of ${pair.subject}.${list}`,
    {
      ...options,
      context: {
        subject: pair.subject,
        schemaId: pair.writerId,
        ...(faults[0] === undefined ? {} : { path: faults[0].path }),
      },
    },
  );
}
