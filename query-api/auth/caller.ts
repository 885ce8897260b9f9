/** What a claim may be compared with; of a list, any of its elements. */
export type ClaimValue = string | number | boolean;

/**
 * Who asks.
 *
 * - `local`: nobody had to say who they are: this machine only, and neither a token nor JWTs are set;
 * - `operator`: holds `api.token`;
 * - `token`: a JWT.
 *
 * A policy holds for `token` alone; the two others have all rights.
 */
export interface Caller {
  readonly kind: 'local' | 'operator' | 'token';
  /** `sub` of a JWT. */
  readonly subject: string;
  readonly scopes: ReadonlySet<string>;
  /** Those that the policy compares with, and no others. */
  readonly claims: ReadonlyMap<string, readonly ClaimValue[]>;
  /** From then on the caller is unknown; null for ever. What lasts longer than a request has to end by itself. */
  readonly expiresAtMs: number | null;
  /** What the policy lets one query of these scopes cost; null where it says nothing. */
  readonly costBudget: number | null;
}

export const localCaller: Caller = {
  kind: 'local',
  subject: 'local',
  scopes: new Set(),
  claims: new Map(),
  expiresAtMs: null,
  costBudget: null,
};

export const operatorCaller: Caller = { ...localCaller, kind: 'operator', subject: 'api.token' };
