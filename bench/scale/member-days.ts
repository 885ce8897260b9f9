import { open } from 'node:fs/promises';
import type { Random } from '../../foundation/index.ts';
import {
  createMutationBatch,
  type EventMutations,
  type MutationBatch,
  type NodeRef,
} from '../../graph-store/index.ts';

const origin = { schemaId: 7, subject: 'plays-value', version: 1 };
const eventsPerAccount = 50;
const dayMs = 86_400_000;
const daysOfEvents = 200;
/** When the last of the events happened. */
export const nowMs = 1_780_000_000_000;
const linesAtOnce = 20_000;

export interface DaysShape {
  readonly accounts: number;
  readonly titles: number;
  readonly spacingMs: number;
}

/** The graph grows with the events: each account has 50 of them in the end, spread over 200 days. */
export function shapeOf(events: number): DaysShape {
  return {
    accounts: Math.max(100, Math.ceil(events / eventsPerAccount)),
    titles: Math.min(10_000, Math.max(100, Math.ceil(events / 200))),
    spacingMs: (daysOfEvents * dayMs) / events,
  };
}

export const account = (number: number): NodeRef => ({ type: 'Account', id: `account-${number}` });
export const title = (number: number): NodeRef => ({ type: 'Title', id: `title-${number}` });

/** What an event says. */
export interface MemberDay {
  readonly number: number;
  readonly timeMs: number;
  readonly account: number;
  readonly title: number;
  readonly seconds: number;
}

/** The same for the same random numbers, whoever is given them. Of few titles more than of many. */
export function* memberDays(events: number, random: Random): Generator<MemberDay> {
  const { accounts, titles, spacingMs } = shapeOf(events);
  const startMs = nowMs - daysOfEvents * dayMs;
  for (let number = 0; number < events; number += 1) {
    yield {
      number,
      timeMs: Math.floor(startMs + number * spacingMs),
      account: Math.floor(random() * accounts),
      title: Math.floor(random() * random() * titles),
      seconds: 60 + Math.floor(random() * 3000),
    };
  }
}

/** An event: one step, one edge, a member with two properties. */
function eventOf(day: MemberDay): EventMutations {
  const member = account(day.account);
  const watched = title(day.title);
  return {
    ...occurrenceOf(day.number, day.timeMs),
    mutations: [
      {
        kind: 'node',
        node: member,
        properties: [
          ['country', 'DE'],
          ['plan', 'standard'],
        ],
      },
      { kind: 'edge', type: 'WATCHED', from: member, to: watched, properties: [['seconds', day.seconds]] },
      {
        kind: 'step',
        owner: member,
        domain: 'playback',
        action: 'watched',
        links: [{ edge: 'WATCHED', direction: 'out', node: watched }],
        properties: [['seconds', day.seconds]],
      },
    ],
  };
}

export function occurrenceOf(number: number, timeMs: number): Omit<EventMutations, 'mutations'> {
  return {
    timeMs,
    rank: 0,
    occurrence: BigInt.asUintN(64, BigInt(number + 1) * 0x9e3779b97f4a7c15n),
    lineage: { offset: BigInt(number), origin },
  };
}

export function batchOf(days: readonly MemberDay[]): MutationBatch {
  const batch = createMutationBatch(64 * 1024);
  for (const day of days) batch.add(eventOf(day));
  return batch;
}

/** For a rival, a line an event: account, title, event, time, seconds. */
export async function writeLines(file: string, days: Iterable<MemberDay>): Promise<void> {
  const output = await open(file, 'w');
  try {
    let lines: string[] = [];
    const write = async (): Promise<void> => {
      await output.write(lines.join(''));
      lines = [];
    };
    for (const { number, timeMs, account: of, title: to, seconds } of days) {
      lines.push(`${account(of).id}\t${title(to).id}\t${number}\t${timeMs}\t${seconds}\n`);
      if (lines.length >= linesAtOnce) await write();
    }
    await write();
  } finally {
    await output.close();
  }
}
