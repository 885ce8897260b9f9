import { type ApiContext, forbidden } from '../../query-api/index.ts';
import type { Asking } from '../state/live-command.ts';

export const readScope = 'live.read';
export const writeScope = 'live.write';
/** Of a device's own token: it may fetch what its member is shown, and connect. */
export const deviceScope = 'live.device';
/** Of whoever fetches and connects for any member, such as a service between devices and this one. */
export const everyDeviceScope = 'live.devices';

/** As the journal takes it. */
const actorLengthMax = 200;

/** Whoever has all rights, and tokens with one of the scopes; a policy, where there is one, has to allow the field beside that. Throws FORBIDDEN. */
export function checkScope(field: string, scope: string | readonly string[], { caller }: ApiContext): void {
  const scopes = typeof scope === 'string' ? [scope] : scope;
  if (caller.kind === 'token' && !scopes.some((one) => caller.scopes.has(one))) throw forbidden(field);
}

export interface AskingArguments {
  readonly reason?: string | null;
  readonly expectedVersion?: number | null;
}

export function askingOf({ caller }: ApiContext, { reason, expectedVersion }: AskingArguments): Asking {
  const actor = caller.kind === 'token' ? `token:${caller.subject}`.slice(0, actorLengthMax) : caller.kind;
  return { actor, reason: reason ?? null, expectedVersion: expectedVersion ?? null };
}
