import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../foundation/index.ts';
import { pack } from './conformance-graphs.ts';
import { advance, source } from './conformance-subject.ts';
import type { CompareEvent } from './graph-difference.ts';
import { openLevelStore } from './leveldb-store.ts';
import type { EventMutations } from './model.ts';
import type { EmbeddedStore } from './store-inspection.ts';

/** Enough for several pages, so that a comparison is under way between two of them. */
const events = 20_000;
const account = (i: number) => ({ type: 'Account', id: `a${i}` });

let live: EmbeddedStore;
let otherFolder: string;

beforeAll(async () => {
  const around = await mkdtemp(join(tmpdir(), 'graph-store-compare-open-'));
  otherFolder = join(around, 'other');
  live = await openLevelStore({ folder: join(around, 'live') }, systemClock);
  const other = await openLevelStore({ folder: otherFolder }, systemClock);
  for (const store of [live, other]) await fill(store);
  await other.close();
  return async () => {
    await live.close();
    await rm(around, { recursive: true, force: true });
  };
});

async function fill(store: EmbeddedStore): Promise<void> {
  const mutations = Array.from({ length: events }, (_, i): EventMutations => {
    const origin = { schemaId: 7, subject: 'plays-value', version: 1 };
    const node = { kind: 'node', node: account(i), properties: [['country', 'DE']] } as const;
    return {
      ...{ timeMs: i + 1, rank: 0, occurrence: BigInt(i) },
      ...{ mutations: [node], lineage: { offset: BigInt(i), origin } },
    };
  });
  await store.apply(advance(await store.claim(source), 0, events), pack(mutations));
}

/** The kinds of what is left of a comparison. */
async function restOf(comparison: AsyncGenerator<CompareEvent>): Promise<readonly string[]> {
  const kinds: string[] = [];
  for await (const { kind } of comparison) kinds.push(kind);
  return kinds;
}

async function begun(): Promise<AsyncGenerator<CompareEvent>> {
  const comparison = live.compare(otherFolder, 10);
  expect(await comparison.next()).toMatchObject({ value: { kind: 'progress' } });
  return comparison;
}

describe('A graph that is compared with the live one', () => {
  it('is opened by nobody until the comparison has told its verdict, and by anybody then', async () => {
    const comparison = await begun();
    await expect(openLevelStore({ folder: otherFolder }, systemClock)).rejects.toMatchObject({
      code: 'STORE_LOCKED',
      message: expect.stringContaining('is being compared'),
    });
    let opened: EmbeddedStore | null = null;
    for await (const event of comparison)
      if (event.kind === 'verdict') opened = await openLevelStore({ folder: otherFolder }, systemClock);
    expect(await opened?.node(account(1))).toMatchObject({ properties: [{ name: 'country', value: 'DE' }] });
    await opened?.close();
  });

  it('is free again when nobody waits for the verdict', async () => {
    const comparison = await begun();
    await comparison.return(undefined);
    const opened = await openLevelStore({ folder: otherFolder }, systemClock);
    await opened.close();
  });

  it('is compared while somebody has it open, who goes on reading', async () => {
    const open = await openLevelStore({ folder: otherFolder }, systemClock);
    expect((await restOf(await begun())).at(-1)).toBe('verdict');
    expect((await open.digest()).hex).toBe((await live.digest()).hex);
    await open.close();
  });

  it('is closed whenever its user likes: the comparison ends by name', async () => {
    const open = await openLevelStore({ folder: otherFolder }, systemClock);
    const comparison = await begun();
    await open.close();
    await expect(restOf(comparison)).rejects.toMatchObject({ code: 'STORE_READ_FAILED' });
    expect(await live.node(account(1))).toMatchObject({ properties: [{ name: 'country', value: 'DE' }] });
  });
});
