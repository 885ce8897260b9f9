import { StopError } from '../../foundation/index.ts';
import { AvroFault } from './avro-datum.ts';
import { JsonFault } from './iceberg-json.ts';

/** Runs what reads a manifest or manifest list; what is wrong with its bytes is said with its name. */
export function namingManifest<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof AvroFault || cause instanceof JsonFault)
      throw manifestDamaged(file, cause.message, cause);
    throw cause;
  }
}

export function manifestDamaged(file: string, what: string, cause?: unknown): StopError {
  return new StopError(
    'MANIFEST_DAMAGED',
    `The manifest ${file} ${what}. Put back an intact copy, or roll the table back to a snapshot without it.`,
    { cause },
  );
}
