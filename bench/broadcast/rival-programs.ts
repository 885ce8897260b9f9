import { createRequire } from 'node:module';
import { delimiter } from 'node:path';
import { readTestEnvironment } from '../../test/services/environment.ts';
import { findExecutable } from '../../test/services/java-tools.ts';

/** Debian has servers where an ordinary user's PATH has nothing. */
export function systemFolders(): readonly string[] {
  const { searchPath } = readTestEnvironment(process.env);
  const folders = searchPath.split(delimiter).filter((folder) => folder !== '');
  return [...folders, '/usr/sbin', '/usr/local/sbin'];
}

export type Found = { readonly path: string } | { readonly lacking: string };

export function findNats(): Found {
  const path = findExecutable('nats-server', systemFolders());
  if (path !== null) return { path };
  return {
    lacking: 'nats-server is not on PATH; get it by `go install github.com/nats-io/nats-server/v2@v2.15.0`',
  };
}

export function findMosquitto(): Found {
  const path = findExecutable('mosquitto', systemFolders());
  return path === null
    ? { lacking: "mosquitto is not installed; it is Debian's package mosquitto" }
    : { path };
}

/** A dev dependency, which somebody may have left out. */
export function findSocketIo(): Found {
  try {
    return { path: createRequire(import.meta.url).resolve('socket.io') };
  } catch {
    return { lacking: 'the package socket.io is not installed; run `npm ci`' };
  }
}
