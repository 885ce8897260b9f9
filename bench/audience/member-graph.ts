import { seededRandom, systemClock } from '../../foundation/index.ts';
import {
  createMutationBatch,
  type Mutation,
  openLevelStore,
  type SourcePartition,
} from '../../graph-store/index.ts';
import type { Definition } from '../../query-api/index.ts';

export const memberType = 'Account';
const source: SourcePartition = { cluster: 'bench', topic: 'members', topicId: 'members', partition: 0 };
const dayMs = 86_400_000;
const membersPerBatch = 2000;
const batchesAtOnce = 4;
const countries = ['DE', 'FR', 'ES', 'IT', 'PL', 'JP', 'BR', 'US'];
const titles = 20_000;
const franchiseTitles = 10;
const franchise = { type: 'Franchise', id: 'fr-1' };
const edgesOfMember = 3;
/** Of the members, those who watched the franchise of late, and those who do not want to hear of it. */
const watchedShare = 0.24;
const unsubscribedShare = 0.05;

const title = (number: number) => ({ type: 'Title', id: `ti-${String(number).padStart(6, '0')}` });

export interface Filled {
  /** How many members the audience has, counted while they were made. */
  readonly expected: number;
}

/** Members with properties, each with some titles watched in the last hundred days; the titles of the franchise are joined to it. */
export async function fillMembers(
  folder: string,
  members: number,
  seed: number,
  nowMs: number,
  log: (text: string) => void,
): Promise<Filled> {
  const random = seededRandom(seed);
  const store = await openLevelStore({ folder }, systemClock);
  let expected = 0;
  try {
    const { epoch } = await store.claim(source);
    const applying: Promise<unknown>[] = [];
    let next = 0n;
    const apply = async (
      events: readonly { timeMs: number; mutations: readonly Mutation[] }[],
    ): Promise<void> => {
      const batch = createMutationBatch();
      for (const [i, event] of events.entries())
        batch.add({ ...event, rank: 0, occurrence: next + BigInt(i) });
      const count = events.length;
      const fates = { consumed: count, applied: count, superseded: 0, filtered: 0, deadLettered: 0 };
      const from = next;
      next += BigInt(count);
      applying.push(store.apply({ source, epoch, from, next, fates, newestEventMs: nowMs }, batch));
      if (applying.length >= batchesAtOnce) await applying.shift();
    };
    await apply([{ timeMs: nowMs - 200 * dayMs, mutations: titleMutations() }]);
    for (let done = 0; done < members; done += membersPerBatch) {
      const events = [];
      for (let number = done; number < Math.min(members, done + membersPerBatch); number += 1) {
        const member = { type: memberType, id: `acc-${String(number).padStart(8, '0')}` };
        const country = countries[Math.floor(random() * countries.length)] ?? 'DE';
        const unsubscribed = random() < unsubscribedShare;
        const watched = random() < watchedShare;
        if (watched && !unsubscribed && wantedCountries.includes(country)) expected += 1;
        const timeMs = nowMs - Math.floor(random() * 89 * dayMs);
        const mutations: Mutation[] = [
          {
            kind: 'node',
            node: member,
            properties: [
              ['country', country],
              ['unsubscribed', unsubscribed],
            ],
          },
        ];
        for (let edge = 0; edge < edgesOfMember; edge += 1) {
          const ofFranchise = watched && edge === 0;
          const to = title(
            ofFranchise
              ? Math.floor(random() * franchiseTitles)
              : franchiseTitles + Math.floor(random() * (titles - franchiseTitles)),
          );
          mutations.push({ kind: 'edge', type: 'WATCHED', from: member, to, properties: [['seconds', 60n]] });
        }
        events.push({ timeMs, mutations });
      }
      await apply(events);
      if (done % 500_000 === 0) log(`${done} members`);
    }
    await Promise.all(applying);
  } finally {
    await store.close();
  }
  return { expected };
}

function titleMutations(): Mutation[] {
  const mutations: Mutation[] = [{ kind: 'node', node: franchise, properties: [['name', 'Bench']] }];
  for (let number = 0; number < franchiseTitles; number += 1) {
    mutations.push({ kind: 'node', node: title(number), properties: [['franchise', franchise.id]] });
    mutations.push({ kind: 'edge', type: 'PART_OF', from: title(number), to: franchise, properties: [] });
  }
  return mutations;
}

const wantedCountries = countries.slice(0, 7);

/** Watched any title of the franchise in 90 days, not unsubscribed, in seven of eight countries: a fifth of the members. */
export function benchAudience(nowMs: number): Definition {
  const unsubscribed = { operator: 'eq', value: true } as const;
  return {
    memberType,
    where: {
      kind: 'all',
      of: [
        {
          kind: 'did',
          edge: 'WATCHED',
          direction: 'out',
          sinceMs: nowMs - 90 * dayMs,
          untilMs: Number.MAX_SAFE_INTEGER,
          to: { kind: 'reached', from: [franchise], edge: 'PART_OF', direction: 'in', type: 'Title' },
          where: null,
          atLeast: 1,
        },
        {
          kind: 'member',
          where: {
            kind: 'all',
            of: [
              { kind: 'not', of: { kind: 'property', name: 'unsubscribed', comparison: unsubscribed } },
              { kind: 'property', name: 'country', comparison: { operator: 'in', values: wantedCountries } },
            ],
          },
        },
      ],
    },
  };
}
