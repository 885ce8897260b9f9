import { type ApiContext, forbidden } from '../../query-api/index.ts';
import type { Asking } from '../state/live-command.ts';

export const readScope = 'live.read';
export const writeScope = 'live.write';

/** As the journal takes it. */
const actorLengthMax = 200;

/** Whoever has all rights, and tokens with the scope; a policy, where there is one, has to allow the field beside that. Throws FORBIDDEN. */
export function checkScope(field: string, scope: string, { caller }: ApiContext): void {
  if (caller.kind === 'token' && !caller.scopes.has(scope)) throw forbidden(field);
}

export interface AskingArguments {
  readonly reason?: string | null;
  readonly expectedVersion?: number | null;
}

export function askingOf({ caller }: ApiContext, { reason, expectedVersion }: AskingArguments): Asking {
  const actor = caller.kind === 'token' ? `token:${caller.subject}`.slice(0, actorLengthMax) : caller.kind;
  return { actor, reason: reason ?? null, expectedVersion: expectedVersion ?? null };
}
