import type { Settings } from '../config/index.ts';
import { RefusedError } from '../foundation/index.ts';
import type { CommandIo } from './command-io.ts';
import { type Archive, openArchive } from './open-archive.ts';

export interface StoreAt {
  /** Its root is above what was named. */
  readonly archive: Archive;
  /** Of what was named. */
  readonly key: string;
}

/**
 * Opens what `--path` names: a folder or a file of this machine, or `s3://bucket/prefix`, with the settings' credentials.
 *
 * @throws RefusedError `BACKFILL_PATH_INVALID`.
 */
export function openStoreAt(path: string, settings: Settings, io: CommandIo): StoreAt {
  const isBucket = path.startsWith('s3://');
  const [, root = '', key = ''] = /^(.*)\/([^/]+)\/*$/.exec(path) ?? [];
  const isWhole = isBucket ? /^s3:\/\/[a-z0-9]/.test(root) : path.startsWith('/') && !path.includes('://');
  if (!isWhole || key === '' || key === '.' || key === '..')
    throw new RefusedError(
      'BACKFILL_PATH_INVALID',
      'A path of an archive is a folder or a file below one, or `s3://bucket/prefix` with a prefix.',
    );
  const hasKeys =
    settings['archive.s3.access.key.id'] !== null && settings['archive.s3.secret.access.key'] !== null;
  if (isBucket && !hasKeys)
    throw new RefusedError(
      'BACKFILL_PATH_INVALID',
      'To read from a bucket, set `archive.s3.access.key.id` and `archive.s3.secret.access.key`.',
    );
  const at = { ...settings, 'archive.warehouse': root === '' ? '/' : root, 'archive.catalog.url': null };
  return { archive: openArchive(at, io), key };
}
