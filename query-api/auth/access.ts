import { createHash, timingSafeEqual } from 'node:crypto';
import type { GraphReader } from '../../graph-store/index.ts';
import { AuthorizedReader } from '../policy/authorized-reader.ts';
import { Grant } from '../policy/grant.ts';
import type { Policy } from '../policy/policy.ts';
import { type Caller, localCaller, operatorCaller } from './caller.ts';
import type { TokenVerifier } from './token-verifier.ts';

export interface AccessParts {
  /** `api.token`; its holder has all rights. */
  readonly token: string | null;
  /** Null: JWTs are not taken. */
  readonly jwt: Pick<TokenVerifier, 'verify'> | null;
  /** What JWTs may read; null: everything but what is under `/store/`. */
  readonly policy: Policy | null;
}

/** What carries a token: a request's headers, or what stands for them on a socket. */
export interface TokenHeaders {
  readonly authorization?: string | undefined;
}

export type Authentication =
  | { readonly kind: 'caller'; readonly caller: Caller }
  | {
      readonly kind: 'refused';
      readonly status: 401 | 503;
      readonly code: 'UNAUTHENTICATED' | 'TOKEN_EXPIRED' | 'TOKEN_REFUSED' | 'AUTHENTICATION_UNAVAILABLE';
      readonly message: string;
      /** For the header WWW-Authenticate; null where a token would not help. */
      readonly challenge: string | null;
      /** For the log, never for the caller; holds nothing of the token. */
      readonly reason: string;
    };

/** Who asks, and what they may read: the one place that decides it, for requests and for sockets. */
export class Access {
  readonly #parts: AccessParts;
  readonly #claims: ReadonlySet<string>;

  constructor(parts: AccessParts) {
    this.#parts = parts;
    this.#claims = parts.policy?.claims ?? new Set();
  }

  /** Never throws but for a bug. May wait for the issuer's keys, a few seconds at most. */
  async authenticate({ authorization }: TokenHeaders): Promise<Authentication> {
    const { token, jwt } = this.#parts;
    if (token === null && jwt === null) return { kind: 'caller', caller: localCaller };
    const given = /^Bearer (.+)$/i.exec(authorization ?? '')?.[1];
    if (given === undefined) return missing(authorization !== undefined);
    if (token !== null && isSame(given, token)) return { kind: 'caller', caller: operatorCaller };
    if (jwt === null) return missing(true);
    const verdict = await jwt.verify(given, this.#claims);
    switch (verdict.kind) {
      case 'caller':
        return { kind: 'caller', caller: this.#withBudget(verdict.caller) };
      case 'unavailable':
        return unavailable;
      default:
        return wrong(verdict.refusal);
    }
  }

  /** Null: everything. A new one for each caller; it holds for as long as the caller does. */
  grantOf(caller: Caller): Grant | null {
    const { policy } = this.#parts;
    return policy === null || caller.kind !== 'token' ? null : new Grant(policy, caller);
  }

  /** All that the caller may read of the store; what they may not is as though it were not there. */
  readerOf(grant: Grant | null, reader: GraphReader): GraphReader {
    return grant === null ? reader : new AuthorizedReader(reader, grant);
  }

  #withBudget(caller: Caller): Caller {
    const grant = this.grantOf(caller);
    return grant === null ? caller : { ...caller, costBudget: grant.costBudget };
  }
}

function missing(given: boolean): Authentication {
  return {
    kind: 'refused',
    status: 401,
    code: 'UNAUTHENTICATED',
    message: 'This server wants a token: send the header `Authorization: Bearer TOKEN`.',
    challenge: 'Bearer',
    reason: given ? 'the token is not the one of `api.token`' : 'no token was sent',
  };
}

function wrong({
  code,
  reason,
}: {
  readonly code: 'TOKEN_EXPIRED' | 'TOKEN_REFUSED';
  readonly reason: string;
}): Authentication {
  const message =
    code === 'TOKEN_EXPIRED'
      ? 'The token has expired: send a new one.'
      : 'The token is not accepted; the log has the reason under the request id.';
  return { kind: 'refused', status: 401, code, message, challenge: 'Bearer error="invalid_token"', reason };
}

const unavailable: Authentication = {
  kind: 'refused',
  status: 503,
  code: 'AUTHENTICATION_UNAVAILABLE',
  message: 'Tokens cannot be checked now; try again shortly.',
  challenge: null,
  reason: 'the keys of the issuer cannot be read',
};

/** Digests are of one length, so that comparing them tells nothing about the token's. */
function isSame(given: string, token: string): boolean {
  return timingSafeEqual(digest(given), digest(token));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
