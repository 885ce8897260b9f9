import { placeOf } from '../../graph-store/index.ts';
import type { AudienceMembers } from '../ports.ts';

const membersAtOnce = 1000;

/** Numbers of members as reports name them, `Type:id`; null of those whom the audience does not have. */
export async function numbersOfMembers(
  audience: AudienceMembers | null,
  members: readonly string[],
): Promise<readonly (number | null)[]> {
  if (audience === null) return members.map(hashOf);
  const prefix = `${audience.memberType}:`;
  const numbers: (number | null)[] = [];
  for (let from = 0; from < members.length; from += membersAtOnce) {
    const some = members.slice(from, from + membersAtOnce);
    const found = await audience.numbersOf(some.map((member) => member.slice(prefix.length)));
    for (const [i, member] of some.entries())
      numbers.push(member.startsWith(prefix) ? (found[i] ?? null) : null);
  }
  return numbers;
}

/** Where an event has no audience. Of a million members about 116 share a hash with another and are not counted. */
function hashOf(member: string): number | null {
  const colon = member.indexOf(':');
  return colon < 1 ? null : placeOf({ type: member.slice(0, colon), id: member.slice(colon + 1) });
}
