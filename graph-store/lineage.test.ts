import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../foundation/index.ts';
import { pack } from './conformance-graphs.ts';
import { advance, ann, dark, event, named, source, watched } from './conformance-subject.ts';
import { openLevelStore } from './leveldb-store.ts';
import { OriginIds, originKey, originsMax } from './lineage.ts';
import type { EventMutations } from './model.ts';

const origin = (version: number) => ({ schemaId: 7, subject: 'plays-value', version });

/** Origins as they are stored, numbered as said, by their versions. */
function stored(...numbered: readonly (readonly [id: number, version: number])[]): OriginIds {
  return new OriginIds(
    numbered.map(([id, version]) => {
      const row = new OriginIds([]).idOf(source, origin(version))?.row;
      return [originKey(id), row ?? Buffer.alloc(0)] as const;
    }),
  );
}

it('A new origin is numbered behind the greatest stored number, also where numbers before it are missing', () => {
  const ids = stored([1, 1], [3, 3]);
  expect(ids.idOf(source, origin(3))).toEqual({ id: 3, row: null });
  expect(ids.idOf(source, origin(4))?.id).toBe(4);
  expect(ids.idOf(source, origin(5))?.id).toBe(5);
  expect(ids.idOf(source, origin(4))).toEqual({ id: 4, row: null });
});

it('Origins are not numbered beyond their bound, however few there are, and those that are there keep their numbers', () => {
  const ids = stored([originsMax - 1, 1]);
  expect(ids.idOf(source, origin(2))?.id).toBe(originsMax);
  expect(ids.idOf(source, origin(3))).toBeNull();
  expect(ids.idOf(source, origin(1))).toEqual({ id: originsMax - 1, row: null });
});

it('A store in which the row of an origin is missing names no wrong record for those that are there, nor for new ones', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'graph-store-lineage-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const from = (one: EventMutations, version: number): EventMutations => ({
    ...one,
    lineage: { offset: BigInt(version), origin: origin(version) },
  });
  const store = await openLevelStore({ folder }, systemClock);
  const first = await store.claim(source);
  await store.apply(advance(first, 0, 2), pack([from(event(1, [watched(dark)]), 1), from(event(2, [named('a')]), 2)])); // biome-ignore format: one row
  await store.close();
  const db = new ClassicLevel<Buffer, Buffer>(folder, { keyEncoding: 'buffer', valueEncoding: 'buffer' });
  await db.del(originKey(1));
  await db.close();

  const again = await openLevelStore({ folder }, systemClock);
  onTestFinished(() => again.close());
  const title = { type: 'Title', id: 'new' };
  const second = await again.claim(source);
  await again.apply(advance(second, 2, 3), pack([from(event(3, [{ kind: 'node', node: title, properties: [['name', 'new']] }]), 3)])); // biome-ignore format: one row
  expect((await again.node(ann))?.lineage).toMatchObject({ offset: 2n, mapping: { version: 2 } });
  expect((await again.node(title))?.lineage).toMatchObject({ offset: 3n, mapping: { version: 3 } });
});
