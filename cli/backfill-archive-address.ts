import { RefusedError } from '../foundation/index.ts';
import { type BackfillFormat, backfillFormats } from '../query-api/index.ts';

/** Which archive a replay reads: as one text it is part of its plan, and opens the same archive in the next process. */
export interface ArchiveAddress {
  readonly format: BackfillFormat;
  /** A folder or file of this machine, or `s3://bucket/prefix`; null: the archive of the settings. */
  readonly path: string | null;
}

export function addressText({ format, path }: ArchiveAddress): string {
  return path === null ? format : `${format}:${path}`;
}

/** @throws RefusedError `BACKFILL_ARCHIVE_UNKNOWN`. */
export function readAddress(text: string): ArchiveAddress {
  const at = text.indexOf(':');
  const name = at < 0 ? text : text.slice(0, at);
  const format = backfillFormats.find((one) => one === name);
  if (format !== undefined) return { format, path: at < 0 ? null : text.slice(at + 1) };
  throw new RefusedError(
    'BACKFILL_ARCHIVE_UNKNOWN',
    `The archive ${text.slice(0, 200)} is of no kind that can be read: ${backfillFormats.join(', ')}.`,
  );
}
