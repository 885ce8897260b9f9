import { placeOf } from '../../graph-store/index.ts';
import type { AudienceMembers } from '../ports.ts';

const membersAtOnce = 1000;

type Known = Map<string, Map<string, number | null>>;

/**
 * Numbers of members as reports name them, `Type:id`. An audience finds a number in its database, which takes longer than to send a broadcast, and the members of
 * reports are the same again and again: those found last are kept. Two generations: when the younger is full the older goes, and what is still in use has moved by then.
 */
export class MemberNumbers {
  readonly #generationMax: number;
  #young: Known = new Map();
  #youngCount = 0;
  #old: Known = new Map();

  /** `keptMax`: of all audiences together. */
  constructor(keptMax: number) {
    this.#generationMax = Math.max(1, Math.floor(keptMax / 2));
  }

  /** Null for those whom the audience does not have. Without an audience a hash: of a million members about 116 share one with another and are not counted. */
  async of(
    audience: AudienceMembers | null,
    members: readonly string[],
  ): Promise<readonly (number | null)[]> {
    if (audience === null) return members.map(hashOf);
    const found = new Map<string, number | null>();
    const unknown: string[] = [];
    for (const member of members) {
      const number = this.#known(audience.id, member);
      if (number === undefined) unknown.push(member);
      else found.set(member, number);
    }
    for (let from = 0; from < unknown.length; from += membersAtOnce) {
      const some = unknown.slice(from, from + membersAtOnce);
      for (const [member, number] of await asked(audience, some)) {
        found.set(member, number);
        this.#keep(audience.id, member, number);
      }
    }
    return members.map((member) => found.get(member) ?? null);
  }

  #known(audience: string, member: string): number | null | undefined {
    const number = this.#young.get(audience)?.get(member);
    if (number !== undefined) return number;
    const old = this.#old.get(audience)?.get(member);
    if (old !== undefined) this.#keep(audience, member, old);
    return old;
  }

  #keep(audience: string, member: string, number: number | null): void {
    if (this.#youngCount >= this.#generationMax) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#youngCount = 0;
    }
    const known = this.#young.get(audience) ?? new Map();
    this.#young.set(audience, known);
    if (!known.has(member)) this.#youngCount += 1;
    known.set(member, number);
  }
}

async function asked(
  audience: AudienceMembers,
  members: readonly string[],
): Promise<readonly (readonly [string, number | null])[]> {
  const prefix = `${audience.memberType}:`;
  const own = members.filter((member) => member.startsWith(prefix));
  const numbers = await audience.numbersOf(own.map((member) => member.slice(prefix.length)));
  return [
    ...own.map((member, i) => [member, numbers[i] ?? null] as const),
    ...members.filter((member) => !member.startsWith(prefix)).map((member) => [member, null] as const),
  ];
}

function hashOf(member: string): number | null {
  const colon = member.indexOf(':');
  return colon < 1 ? null : placeOf({ type: member.slice(0, colon), id: member.slice(colon + 1) });
}
