import {
  type CryptoKey,
  createLocalJWKSet,
  errors,
  type JSONWebKeySet,
  type JWSHeaderParameters,
} from 'jose';
import { type Log, OutageError, type SteadyTime } from '../../foundation/index.ts';
import type { VerificationKeys } from './verification-keys.ts';

export interface JwksLimits {
  /** Keys older than this are asked for again before they are used. */
  readonly freshMs: number;
  /** While the issuer does not answer, keys are used until they are this old. */
  readonly staleMs: number;
  /** Between two requests that were made because a token names a key that is not there, or because the last one failed. */
  readonly cooldownMs: number;
  readonly timeoutMs: number;
  readonly bytesMax: number;
  readonly keysMax: number;
}

export const jwksLimitsDefault: JwksLimits = {
  freshMs: 600_000,
  staleMs: 3_600_000,
  cooldownMs: 10_000,
  timeoutMs: 3000,
  bytesMax: 262_144,
  keysMax: 100,
};

interface KeySet {
  readonly select: (header: JWSHeaderParameters) => Promise<CryptoKey>;
  /** By the steady time, as all times here. */
  readonly fetchedMs: number;
}

/**
 * The keys that an issuer publishes, asked for when the first token comes and kept. A key that is not there may be a new one, so it makes us
 * ask again, but not more often than the cooldown: nobody can make us hammer the issuer with made-up key ids. When the issuer is
 * away, what was known goes on being used for a while; after that nobody can tell a good token from a bad one, which is an outage and
 * no refusal.
 */
export class JwksKeys implements VerificationKeys {
  readonly #url: string;
  readonly #steadyMs: SteadyTime;
  readonly #log: Log;
  readonly #limits: JwksLimits;
  #set: KeySet | null = null;
  #triedMs = Number.NEGATIVE_INFINITY;
  #failed = false;
  #pending: Promise<void> | null = null;

  constructor(
    url: string,
    parts: { readonly steadyMs: SteadyTime; readonly log: Log },
    limits = jwksLimitsDefault,
  ) {
    this.#url = url;
    this.#steadyMs = parts.steadyMs;
    this.#log = parts.log;
    this.#limits = limits;
  }

  async keyFor(header: JWSHeaderParameters): Promise<CryptoKey> {
    if (!this.#isYoungerThan(this.#limits.freshMs)) await this.#refresh();
    const known = this.#usable();
    try {
      return await known.select(header);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      await this.#refresh();
      // Its key may be one that the issuer cannot tell us of now.
      if (this.#failed) throw unavailable();
      const newer = this.#usable();
      if (newer === known) throw error;
      return await newer.select(header);
    }
  }

  #isYoungerThan(ageMs: number): boolean {
    return this.#set !== null && this.#steadyMs() - this.#set.fetchedMs < ageMs;
  }

  #usable(): KeySet {
    if (this.#set === null || !this.#isYoungerThan(this.#limits.staleMs)) throw unavailable();
    return this.#set;
  }

  /** One request at a time, which all wait for; none while the cooldown lasts. */
  async #refresh(): Promise<void> {
    const now = this.#steadyMs();
    if (this.#pending === null && now - this.#triedMs >= this.#limits.cooldownMs) {
      this.#triedMs = now;
      this.#pending = this.#load().finally(() => {
        this.#pending = null;
      });
    }
    await this.#pending;
  }

  async #load(): Promise<void> {
    try {
      const text = await this.#fetch();
      const set = readKeySet(text, this.#limits.keysMax);
      this.#set = { select: createLocalJWKSet(set), fetchedMs: this.#steadyMs() };
      this.#failed = false;
    } catch (error) {
      this.#failed = true;
      const reason = error instanceof Error ? error.message : String(error);
      const fields = { alarm: 'JWKS_UNAVAILABLE', url: this.#url, reason };
      this.#log.error(fields, 'The keys that tokens are checked with could not be read.');
    }
  }

  async #fetch(): Promise<string> {
    const response = await fetch(this.#url, {
      headers: { accept: 'application/jwk-set+json, application/json' },
      redirect: 'error',
      signal: AbortSignal.timeout(this.#limits.timeoutMs),
    });
    if (response.status !== 200) {
      await response.body?.cancel();
      throw new Error(`it answered ${response.status}`);
    }
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    for await (const chunk of response.body ?? []) {
      bytes += chunk.length;
      if (bytes > this.#limits.bytesMax)
        throw new Error(`it answered more than ${this.#limits.bytesMax} bytes`);
      chunks.push(chunk);
    }
    return Buffer.concat(chunks).toString('utf8');
  }
}

function readKeySet(text: string, keysMax: number): JSONWebKeySet {
  const value: unknown = JSON.parse(text);
  if (!isKeySet(value)) throw new Error('it answered no set of keys');
  if (value.keys.length > keysMax) throw new Error(`it answered more than ${keysMax} keys`);
  // What is secret there is no key to check a public signature with, whatever a token's header says.
  return { keys: value.keys.filter(({ kty }) => kty !== 'oct') };
}

function isKeySet(value: unknown): value is JSONWebKeySet {
  if (typeof value !== 'object' || value === null || !('keys' in value) || !Array.isArray(value.keys))
    return false;
  return value.keys.every((key: unknown) => typeof key === 'object' && key !== null && !Array.isArray(key));
}

function unavailable(): OutageError {
  return new OutageError('JWKS_UNAVAILABLE', 'The keys that tokens are checked with cannot be read now.');
}
