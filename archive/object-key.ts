import { RefusedError } from '../foundation/index.ts';

/** S3's own bound. */
const keyBytesMax = 1_024;

/**
 * Parts of a key, none of them able to lead anywhere else. Keys come from metadata of others, too.
 *
 * @throws RefusedError `OBJECT_KEY_REFUSED`.
 */
export function keyParts(key: string): readonly string[] {
  const parts = key.split('/');
  if (Buffer.byteLength(key) > keyBytesMax || parts.some((part) => !isPart(part))) throw refused(key);
  return parts;
}

/** As {@link keyParts}, for the beginning of keys: empty, or cut anywhere. */
export function checkPrefix(prefix: string): void {
  const parts = prefix.split('/');
  const last = parts.pop() ?? '';
  if (last.includes('\0') || last === '..' || parts.some((part) => !isPart(part))) throw refused(prefix);
}

function isPart(part: string): boolean {
  return part !== '' && part !== '.' && part !== '..' && !part.includes('\0');
}

function refused(key: string): RefusedError {
  const shown = JSON.stringify(key.slice(0, 200));
  return new RefusedError(
    'OBJECT_KEY_REFUSED',
    `${shown} is no key of an object: it must be relative, at most ${keyBytesMax} bytes, with no empty part, "." or "..".`,
  );
}
