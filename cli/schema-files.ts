import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import { RefusedError } from '../foundation/index.ts';
import type { SchemaSource } from './schema-check.ts';

/** Longer, a file is no schema and no fixture: it is looked at no further. */
const textBytesMax = 16_777_216;

/** Throws `RefusedError` code `SCHEMA_FILE_UNREADABLE`. */
export async function readSource(file: string, subject: string | null): Promise<SchemaSource> {
  return { file, subject, text: await readText(file) };
}

/** Text in UTF-8. Throws `RefusedError` code `SCHEMA_FILE_UNREADABLE`. */
export async function readText(file: string, bytesMax = textBytesMax): Promise<string> {
  const bytes = await readBytes(file, bytesMax);
  const binary = bytes.subarray(0, 4_096).indexOf(0);
  if (binary !== -1)
    throw refused(file, `is a binary file (byte ${binary} is NUL), not a text in JSON`, undefined);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw refused(file, 'is not a text in UTF-8', cause);
  }
}

async function readBytes(file: string, bytesMax: number): Promise<Buffer> {
  const handle = await open(file).catch((cause: unknown) => {
    throw unreadable(file, 'read', cause);
  });
  try {
    const { size } = await handle.stat();
    if (size > bytesMax) {
      throw refused(file, `has ${size} bytes, and the limit is ${bytesMax}`, undefined);
    }
    return await handle.readFile();
  } catch (cause) {
    throw cause instanceof RefusedError ? cause : unreadable(file, 'read', cause);
  } finally {
    await handle.close();
  }
}

const reasons: ReadonlyMap<string, string> = new Map([
  ['ENOENT', 'there is no such file'],
  ['EISDIR', 'it is a folder'],
  ['EACCES', 'its permissions do not allow it'],
]);

export function unreadable(file: string, verb: 'read' | 'written', cause: unknown): RefusedError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown reason';
  const why = reasons.get(code);
  return refused(file, `cannot be ${verb}: ${why === undefined ? code : why}`, cause);
}

function refused(file: string, what: string, cause: unknown): RefusedError {
  return new RefusedError('SCHEMA_FILE_UNREADABLE', `${file} ${what}.`, { cause });
}

/** `streaming/playback.avsc` is `playback`. */
export function bareName(file: string): string {
  return basename(file).replace(/\.(avsc|json)$/, '');
}
