import { readFile } from 'node:fs/promises';
import type { Settings } from '../config/index.ts';
import { type Log, must, RefusedError, steadyTime } from '../foundation/index.ts';
import {
  type AccessParts,
  JwksKeys,
  type Policy,
  publicKeys,
  readPolicy,
  TokenVerifier,
} from '../query-api/index.ts';
import type { CommandIo } from './command-io.ts';

/**
 * Who may ask, and what, by the settings.
 *
 * @throws StopError `JWT_KEY_UNUSABLE`; RefusedError `ACCESS_FILE_UNREADABLE` or `POLICY_INVALID`.
 */
export async function openAccess(
  settings: Settings,
  io: CommandIo,
  log: Log,
): Promise<Omit<AccessParts, 'token'>> {
  return {
    jwt: await openVerifier(settings, io, log),
    policy: await openPolicy(settings['api.policy.file']),
  };
}

async function openVerifier(settings: Settings, io: CommandIo, log: Log): Promise<TokenVerifier | null> {
  const url = settings['api.jwt.jwks.url'];
  const file = settings['api.jwt.key.file'];
  if (url === null && file === null) return null;
  const keys =
    file === null
      ? new JwksKeys(must(url, 'one of both is set'), { steadyMs: steadyTime, log })
      : publicKeys(await readAccessFile('api.jwt.key.file', file), file);
  const rules = {
    issuer: must(settings['api.jwt.issuer'], 'set together with the keys'),
    audience: must(settings['api.jwt.audience'], 'set together with the keys'),
    algorithms: settings['api.jwt.algorithms'],
    clockToleranceMs: settings['api.jwt.clock.tolerance.ms'],
  };
  return new TokenVerifier(keys, rules, { clock: io.clock, steadyMs: steadyTime });
}

async function openPolicy(file: string | null): Promise<Policy | null> {
  return file === null ? null : policyOf(file, await readAccessFile('api.policy.file', file));
}

/** @throws RefusedError `POLICY_INVALID` with all problems, each with its place. */
export function policyOf(file: string, text: string): Policy {
  const { policy, problems } = readPolicy(file, text);
  if (policy !== null) return policy;
  const message = `The policy is not valid:\n${problems.map((problem) => `  ${problem}`).join('\n')}`;
  throw new RefusedError('POLICY_INVALID', message, { context: { setting: 'api.policy.file' } });
}

/** @throws RefusedError `ACCESS_FILE_UNREADABLE`. */
export async function readAccessFile(setting: string, file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown reason';
    const message = `\`${setting}\`: ${file} cannot be read (${code}).`;
    throw new RefusedError('ACCESS_FILE_UNREADABLE', message, { cause, context: { setting } });
  }
}
