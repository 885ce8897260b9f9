import { randomBytes } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Settings } from '../config/index.ts';
import { OutageError } from '../foundation/index.ts';

const secretBytes = 32;

/** Whoever has it can make tokens for any device. */
export function liveTokenKeyFile(data: string): string {
  return join(data, 'live', 'token.key');
}

/** Whoever has it is a gateway: it hears of every broadcast and reports deliveries. */
export function liveGatewaySecretFile(data: string): string {
  return join(data, 'live', 'gateway.key');
}

/** What device tokens are signed with: the file that is named, or the folder's own, made at the first start. */
export function tokenKeyOf(settings: Settings): Promise<Uint8Array> {
  const file = settings['live.token.key.file'];
  return file === null ? liveSecret(liveTokenKeyFile(settings.data)) : readLiveSecret(file);
}

/** What gateways show, in the same way. */
export function gatewaySecretOf(settings: Settings): Promise<Uint8Array> {
  const file = settings['live.gateway.key.file'];
  return file === null ? liveSecret(liveGatewaySecretFile(settings.data)) : readLiveSecret(file);
}

async function liveSecret(file: string): Promise<Uint8Array> {
  try {
    const made = await open(file, 'wx', 0o600);
    try {
      const secret = randomBytes(secretBytes);
      await made.write(secret);
      await made.sync();
      return secret;
    } finally {
      await made.close();
    }
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'EEXIST')) throw unusable(file, cause);
  }
  return await readLiveSecret(file);
}

/** @throws {OutageError} when it is not there, or is none. */
export async function readLiveSecret(file: string): Promise<Uint8Array> {
  const secret = await readFile(file).catch((cause: unknown) => {
    throw unusable(file, cause);
  });
  if (secret.length !== secretBytes) throw unusable(file, null);
  return secret;
}

/** As a gateway shows it to its router. */
export function bearerOf(secret: Uint8Array): string {
  return Buffer.from(secret).toString('base64url');
}

function unusable(file: string, cause: unknown): OutageError {
  const message = `The key in ${file} cannot be made or read; check the folder's permissions, or remove the file: then it is made anew, and devices ask for new tokens.`;
  return new OutageError('LIVE_TOKEN_KEY_UNUSABLE', message, { cause });
}
