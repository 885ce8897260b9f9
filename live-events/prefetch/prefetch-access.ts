import type { ApiContext, Caller } from '../../query-api/index.ts';
import { deviceScope, everyDeviceScope, readScope } from '../api/live-access.ts';

/** Why this caller may not fetch for that member; null when they may. */
export function refusesPrefetch(caller: Caller | null, member: string): string | null {
  if (caller === null) return 'Nobody knows who asks.';
  if (caller.kind !== 'token') return null;
  if (caller.scopes.has(everyDeviceScope)) return null;
  if (!caller.scopes.has(deviceScope)) return `The token needs the scope \`${deviceScope}\`.`;
  if (caller.subject === member) return null;
  return `The token is not of ${JSON.stringify(member.slice(0, 64))}; for other members it needs the scope \`${everyDeviceScope}\`.`;
}

/** As for audiences: what is counted over everybody is for whoever may see everything. */
export function refusesCounts({ caller, grant }: Pick<ApiContext, 'caller' | 'grant'>): string | null {
  if (grant !== null && !grant.seesEverything) return 'The policy hides a part of the graph from this token.';
  if (caller.kind !== 'token' || caller.scopes.has(readScope)) return null;
  return `The token needs the scope \`${readScope}\`.`;
}
