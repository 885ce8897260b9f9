import { createHash } from 'node:crypto';
import { errors, type JWTPayload, jwtVerify } from 'jose';
import { LRUCache } from 'lru-cache';
import { assert, type Clock, OutageError, type SteadyTime } from '../../foundation/index.ts';
import type { Caller, ClaimValue } from './caller.ts';
import { jwtAlgorithms, type VerificationKeys } from './verification-keys.ts';

export interface TokenRules {
  readonly issuer: string;
  readonly audience: string;
  /** Some of {@link jwtAlgorithms}. */
  readonly algorithms: readonly string[];
  readonly clockToleranceMs: number;
}

/** Why a token was refused; made of our own words, so that it can stand in a log. */
export interface TokenRefusal {
  readonly code: 'TOKEN_EXPIRED' | 'TOKEN_REFUSED';
  readonly reason: string;
}

export type TokenVerdict =
  | { readonly kind: 'caller'; readonly caller: Caller }
  | { readonly kind: 'refused'; readonly refusal: TokenRefusal }
  | { readonly kind: 'unavailable' };

const tokenLengthMax = 8192;
const subjectLengthMax = 256;
const scopesMax = 100;
const claimValuesMax = 100;
const claimLengthMax = 1024;
/** A signature costs a tenth of a millisecond of a core, and a service sends the same token with each of its requests. */
const checkedMs = 60_000;
const checkedMax = 1000;

interface Checked {
  readonly payload: JWTPayload;
  /** By the steady time: a clock that is set back lets nobody in for longer without another look. */
  readonly atMs: number;
  /** As the token says, by the clock. */
  readonly endMs: number;
}

/**
 * Checks JWTs by public keys only. Which algorithms count is ours to say and never the token's: `none` and the ones with a shared secret
 * are no names that a rule can hold.
 */
export class TokenVerifier {
  readonly #keys: VerificationKeys;
  readonly #rules: TokenRules;
  readonly #clock: Clock;
  readonly #steadyMs: SteadyTime;
  /** Tokens that passed, by digest: a heap dump gives none away. */
  readonly #checked = new LRUCache<string, Checked>({ max: checkedMax });

  constructor(
    keys: VerificationKeys,
    rules: TokenRules,
    { clock, steadyMs }: { readonly clock: Clock; readonly steadyMs: SteadyTime },
  ) {
    const known: readonly string[] = jwtAlgorithms;
    const asymmetric = rules.algorithms.every((algorithm) => known.includes(algorithm));
    assert(asymmetric && rules.algorithms.length > 0, 'tokens are checked by public keys');
    this.#keys = keys;
    this.#rules = rules;
    this.#clock = clock;
    this.#steadyMs = steadyMs;
  }

  /** Of its claims, those that are named in `claims` are kept. Never throws but for a bug. */
  async verify(token: string, claims: ReadonlySet<string>): Promise<TokenVerdict> {
    if (token.length > tokenLengthMax) return refused('it is too long');
    try {
      return callerOf(await this.#payload(token), claims, this.#rules.clockToleranceMs);
    } catch (error) {
      if (error instanceof OutageError) return { kind: 'unavailable' };
      if (error instanceof errors.JWTExpired) return refused('it has expired', 'TOKEN_EXPIRED');
      if (error instanceof errors.JOSEError) return refused(reasonOf(error));
      // What a published key cannot be used for: jose and the engine below it have no class for that.
      if (error instanceof TypeError || error instanceof DOMException)
        return refused('its key cannot be used');
      throw error;
    }
  }

  async #payload(token: string): Promise<JWTPayload> {
    const now = this.#clock.now();
    const steadyMs = this.#steadyMs();
    const digest = createHash('sha256').update(token).digest('base64');
    const known = this.#checked.get(digest);
    if (known !== undefined && steadyMs - known.atMs < checkedMs && now < known.endMs) return known.payload;
    const { payload } = await jwtVerify(token, (header) => this.#keys.keyFor(header), {
      algorithms: [...this.#rules.algorithms],
      issuer: this.#rules.issuer,
      audience: this.#rules.audience,
      requiredClaims: ['exp', 'sub'],
      clockTolerance: this.#rules.clockToleranceMs / 1000,
      currentDate: new Date(now),
    });
    const endMs = (payload.exp ?? 0) * 1000 + this.#rules.clockToleranceMs;
    this.#checked.set(digest, { payload, atMs: steadyMs, endMs });
    return payload;
  }
}

function callerOf(payload: JWTPayload, claims: ReadonlySet<string>, toleranceMs: number): TokenVerdict {
  const { sub, exp } = payload;
  if (typeof sub !== 'string' || sub === '' || sub.length > subjectLengthMax) {
    return refused(`its \`sub\` is not a text of 1 to ${subjectLengthMax} characters`);
  }
  assert(exp !== undefined, 'a token without an end is refused');
  const scopes = scopesOf(payload);
  if (scopes.length > scopesMax) return refused(`it has more than ${scopesMax} scopes`);
  const kept = new Map<string, readonly ClaimValue[]>();
  for (const name of claims) {
    if (Object.hasOwn(payload, name)) kept.set(name, claimValues(payload[name]));
  }
  const expiresAtMs = exp * 1000 + toleranceMs;
  return {
    kind: 'caller',
    caller: {
      kind: 'token',
      subject: sub,
      scopes: new Set(scopes),
      claims: kept,
      expiresAtMs,
      costBudget: null,
    },
  };
}

/** `scope` as OAuth has it, a text with spaces; `scp` as others write it, a text or a list. */
export function scopesOf(payload: Readonly<Record<string, unknown>>): readonly string[] {
  return [payload.scope, payload.scp].flatMap((value) => {
    if (typeof value === 'string') return value.split(' ').filter((scope) => scope !== '');
    return Array.isArray(value) ? value.filter((scope) => typeof scope === 'string') : [];
  });
}

/** What is longer, or no plain value, equals nothing: it is left out. */
export function claimValues(value: unknown): readonly ClaimValue[] {
  const values: readonly unknown[] = Array.isArray(value) ? value.slice(0, claimValuesMax) : [value];
  return values.filter(isClaimValue);
}

function isClaimValue(value: unknown): value is ClaimValue {
  if (typeof value === 'string') return value !== '' && value.length <= claimLengthMax;
  return typeof value === 'boolean' || Number.isSafeInteger(value);
}

function refused(reason: string, code: TokenRefusal['code'] = 'TOKEN_REFUSED'): TokenVerdict {
  return { kind: 'refused', refusal: { code, reason } };
}

/** jose's own sentences quote what the token says; its codes and the names of claims do not. */
function reasonOf(error: errors.JOSEError): string {
  if (error instanceof errors.JWTClaimValidationFailed) {
    const named = ['iss', 'aud', 'exp', 'nbf', 'iat', 'sub'].includes(error.claim) ? error.claim : 'unnamed';
    return `its claim \`${named}\` is ${error.reason === 'missing' ? 'missing' : 'not as it must be'}`;
  }
  if (error instanceof errors.JOSEAlgNotAllowed) return 'its algorithm is not one of `api.jwt.algorithms`';
  if (error instanceof errors.JWKSNoMatchingKey) return 'the issuer has no such key';
  if (error instanceof errors.JWKSMultipleMatchingKeys) return 'it names no key, and the issuer has several';
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'its signature is wrong';
  return 'it is no signed JWT';
}
