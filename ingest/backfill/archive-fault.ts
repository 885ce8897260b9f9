import type { ArchivePlace, PlannedFile } from '../../archive/index.ts';
import { type ErrorContext, JourneyGraphError, StopError } from '../../foundation/index.ts';
import { classify } from '../error-classifier.ts';

/** For messages: `a.parquet (row group 3)`. */
export function placeText({ file, group }: ArchivePlace): string {
  return `${file} (row group ${group})`;
}

/** Two files, or two rows of one, say different things of one offset. */
export function conflict(
  partition: number,
  offset: bigint,
  one: ArchivePlace,
  other: ArchivePlace,
): StopError {
  const message =
    `The archive has offset ${offset} of partition ${partition} twice with other bytes: in ${placeText(one)} and in ${placeText(other)}. ` +
    'Remove the wrong file from the archive, or leave its offsets out, and plan again; nothing from this offset on was applied.';
  return new StopError('ARCHIVE_CONFLICT', message, { context: { partition, offset } });
}

export function unordered(partition: number, offset: bigint, before: bigint, place: ArchivePlace): StopError {
  const message = `${placeText(place)} has offset ${offset} of partition ${partition} behind offset ${before}: rewrite the file in the order of offsets.`;
  return new StopError('ARCHIVE_UNORDERED', message, { context: { partition, offset } });
}

export function outOfBounds(file: PlannedFile, offset: bigint, place: ArchivePlace): StopError {
  const message = `${placeText(place)} has offset ${offset} of partition ${file.partition}, and its manifest says ${file.firstOffset} to ${file.lastOffset}: it is not the file that was planned. Plan again.`;
  return new StopError('ARCHIVE_BOUNDS', message, { context: { partition: file.partition, offset } });
}

export function rowsDiffer(file: PlannedFile, found: number, place: ArchivePlace | null): StopError {
  const where = place === null ? file.key : placeText(place);
  const message = `The file ${file.key} of partition ${file.partition} was planned with ${file.rows} rows and ended in ${where} after ${found}: restore it, or plan again.`;
  return new StopError('ARCHIVE_ROWS_DIFFER', message, { context: { partition: file.partition } });
}

export function fileMissing(file: PlannedFile, why: string, cause?: unknown): StopError {
  const message = `The file ${file.key} of partition ${file.partition}, offsets ${file.firstOffset} to ${file.lastOffset}, ${why}: restore it, or plan again.`;
  return new StopError('ARCHIVE_FILE_MISSING', message, {
    context: { partition: file.partition, offset: file.firstOffset },
    ...(cause === undefined ? {} : { cause }),
  });
}

/** What a reader threw, as the pipeline has to take it: an outage stays one, all else stops with the file's name. */
export function readFault(error: unknown, file: PlannedFile, place: ArchivePlace | null): unknown {
  if (classify(error) === 'outage') return error;
  const context: ErrorContext = { partition: file.partition };
  if (error instanceof JourneyGraphError) {
    if (error.code === 'OBJECT_MISSING') return fileMissing(file, 'is gone from the archive', error);
    if (error.reaction === 'stop') return error;
    return new StopError(error.code, `The file ${file.key} cannot be read: ${error.message}`, {
      cause: error,
      context: { ...context, ...error.context },
    });
  }
  const where = place === null ? file.key : placeText(place);
  const message = `The archive cannot be read at ${where}: ${error instanceof Error ? error.message : String(error)}`;
  return new StopError('ARCHIVE_UNREADABLE', message, { cause: error, context });
}
