import { describe, expect, test } from 'vitest';
import { BadDataError, must } from '../foundation/index.ts';
import { BundledRegistry } from './bundled-registry.ts';
import { MappedVersionFinder } from './mapped-version.ts';
import type { SchemaRegistry } from './registry.ts';

const subject = 'streaming.playback-value';
const readers = `${subject}.graph`;

function text(doc: string, graph?: object): string {
  return JSON.stringify({ type: 'record', name: 'Seen', doc, fields: [], ...(graph && { graph }) });
}

/** A registry that counts what it is asked. */
function counted(): { registry: SchemaRegistry; asked: string[] } {
  const bundled = BundledRegistry.of([]);
  const asked: string[] = [];
  const registry: SchemaRegistry = {
    schemaById: (id) => bundled.schemaById(id),
    latest: (name) => {
      asked.push(`latest ${name}`);
      return bundled.latest(name);
    },
    versions: (name) => {
      asked.push(`versions ${name}`);
      return bundled.versions(name);
    },
    register: (name, schema) => bundled.register(name, schema),
    close: () => bundled.close(),
  };
  return { registry, asked };
}

describe('the mapping of a subject', () => {
  test('is nowhere while no version carries one', async () => {
    const { registry } = counted();
    const finder = new MappedVersionFinder(registry, subject);
    expect(await finder.newest()).toBeNull();
    await registry.register(subject, text('a "graph" in words only'));
    expect(await finder.newest()).toBeNull();
  });

  test('is the newest in its own schema, past newer versions without one', async () => {
    const { registry } = counted();
    const finder = new MappedVersionFinder(registry, subject);
    await registry.register(subject, text('first', { rank: 1 }));
    await registry.register(subject, text('second', { rank: 2 }));
    await registry.register(subject, text('third'));
    expect(await finder.newest()).toMatchObject({ subject, version: 2, schema: { graph: { rank: 2 } } });
    await registry.register(subject, text('fourth', { rank: 4 }));
    expect(await finder.newest()).toMatchObject({ subject, version: 4 });
  });

  test('is in the reader schema where there is one, whatever the producer registers', async () => {
    const { registry } = counted();
    const finder = new MappedVersionFinder(registry, subject);
    await registry.register(subject, text('own', { rank: 1 }));
    await registry.register(readers, text('reader', { rank: 2 }));
    await registry.register(subject, text('own, newer', { rank: 3 }));
    expect(await finder.newest()).toMatchObject({
      subject: readers,
      version: 1,
      schema: { graph: { rank: 2 } },
    });
    await registry.register(readers, text('reader without'));
    expect(await finder.newest()).toMatchObject({ subject: readers, version: 1 });
  });

  test('is its own again when the reader subject holds no mapping at all', async () => {
    const { registry } = counted();
    await registry.register(subject, text('own', { rank: 1 }));
    await registry.register(readers, text('reader without'));
    expect(await new MappedVersionFinder(registry, subject).newest()).toMatchObject({ subject, version: 1 });
  });

  test('costs one request a place while nothing is registered, however old it is', async () => {
    const { registry, asked } = counted();
    const finder = new MappedVersionFinder(registry, subject);
    await registry.register(subject, text('first', { rank: 1 }));
    await registry.register(subject, text('second'));
    const first = await finder.newest();
    expect(asked).toEqual([`latest ${readers}`, `latest ${subject}`, `versions ${subject}`]);
    asked.length = 0;
    expect(await finder.newest()).toBe(first);
    expect(asked).toEqual([`latest ${readers}`, `latest ${subject}`]);
    await registry.register(readers, text('reader', { rank: 2 }));
    asked.length = 0;
    await finder.newest();
    expect(asked).toEqual([`latest ${readers}`]);
  });

  test('is behind a newest version that is none that is read, which is said, and asked for once', async () => {
    const { registry, asked } = counted();
    await registry.register(subject, text('first', { rank: 1 }));
    const strange = new BadDataError('SCHEMA_NOT_AVRO', 'no Avro', {
      context: { subject, version: 2, schemaId: 7 },
    });
    const { latest } = registry;
    registry.latest = async (name) => {
      const found = await latest(name);
      if (found !== null) throw strange;
      return null;
    };
    const finder = new MappedVersionFinder(registry, subject);
    const passedOver: unknown[] = [];
    const look = () => finder.newest(undefined, (error) => passedOver.push(error));
    const first = await look();
    expect(first).toMatchObject({ subject, version: 1, schema: { graph: { rank: 1 } } });
    asked.length = 0;
    expect(await look()).toBe(first);
    expect(asked).toEqual([`latest ${readers}`, `latest ${subject}`]);
    expect(passedOver).toEqual([strange, strange]);
  });

  test('has others behind it, newest first, its own subject before the events’ own, and no more than 32', async () => {
    const { registry } = counted();
    const finder = new MappedVersionFinder(registry, subject);
    for (let rank = 1; rank <= 40; rank += 1) await registry.register(subject, text(`own ${rank}`, { rank }));
    await registry.register(readers, text('reader', { rank: 1 }));
    await registry.register(readers, text('reader without'));
    await registry.register(readers, text('reader again', { rank: 3 }));
    const newest = must(await finder.newest(), 'a mapping');
    expect(newest).toMatchObject({ subject: readers, version: 3 });
    const older = await finder.older(newest);
    expect(older.length).toBe(32);
    expect(older.slice(0, 3)).toMatchObject([
      { subject: readers, version: 1 },
      { subject, version: 40 },
      { subject, version: 39 },
    ]);
    const own = must(older[1], 'the newest of its own');
    expect((await finder.older(own))[0]).toMatchObject({ subject, version: 39 });
  });
});
