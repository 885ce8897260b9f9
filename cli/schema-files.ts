import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { RefusedError } from '../foundation/index.ts';
import type { SchemaSource } from './schema-check.ts';

/** Throws `RefusedError` code `SCHEMA_FILE_UNREADABLE`. */
export async function readSource(file: string, subject: string | null): Promise<SchemaSource> {
  return { file, subject, text: await readText(file) };
}

/** Throws `RefusedError` code `SCHEMA_FILE_UNREADABLE`. */
export async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw unreadable(file, 'read', cause);
  }
}

export function unreadable(file: string, verb: 'read' | 'written', cause: unknown): RefusedError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown reason';
  return new RefusedError('SCHEMA_FILE_UNREADABLE', `${file} cannot be ${verb} (${code}).`, { cause });
}

/** `streaming/playback.avsc` is `playback`. */
export function bareName(file: string): string {
  return basename(file).replace(/\.(avsc|json)$/, '');
}
