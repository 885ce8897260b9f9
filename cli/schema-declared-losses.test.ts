import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fakeIo } from './command-io.fake.ts';
import { runProgram } from './program.ts';
import { diffOutlines, outlineOf } from './schema-outline.ts';

interface Mapping {
  readonly domain?: string;
  readonly eventId?: string | undefined;
  readonly rank?: number;
  readonly where?: string;
  readonly node?: object;
  readonly properties?: object;
  readonly edge?: object;
  readonly weight?: object;
}

function schema(of: Mapping = {}): string {
  const { domain = 'mobility', node = {}, properties = {}, edge = {}, weight = {}, ...event } = of;
  return JSON.stringify({
    type: 'record',
    name: 'Ride',
    fields: [
      { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
      { name: 'ride', type: 'string' },
      { name: 'rider', type: 'string' },
      { name: 'city', type: 'string' },
      { name: 'metres', type: 'int' },
    ],
    graph: {
      domain,
      time: 'at',
      eventId: 'ride',
      ...event,
      nodes: [
        { type: 'Rider', id: 'rider', properties: { city: 'city', ...properties }, ...node },
        { type: 'City', id: 'city' },
      ],
      edges: [
        {
          type: 'RODE_IN',
          from: 'Rider',
          to: 'City',
          properties: { far: { path: 'metres', ...weight } },
          ...edge,
        },
      ],
      journey: { owner: 'Rider', action: 'rode' },
    },
  });
}

const tags = (op: string): Mapping => ({ properties: { tags: { path: 'city', set: op } } });

/** What changes, before and after, what `diff` shows of it, and what of it is said as a loss. */
const changes: readonly (readonly [string, Mapping, Mapping, string, RegExp | null])[] = [
  [
    'a shorter time to live',
    { node: { ttl: '365d' } },
    { node: { ttl: '1h' } },
    'node Rider',
    /node Rider would be kept for 1h, and is kept for 365d now/,
  ],
  [
    'a new time to live',
    {},
    { edge: { ttl: '90m' } },
    'edge Rider RODE_IN City',
    /kept for 90m, .* for ever now/,
  ],
  ['a longer time to live', { node: { ttl: '1h' } }, { node: { ttl: '365d' } }, 'node Rider', null],
  [
    'another kind',
    {},
    { properties: { city: { cel: 'city != ""' } } },
    'node Rider .city',
    /node Rider \.city would be boolean, and is text now/,
  ],
  [
    'another fold',
    { weight: { fold: 'sum' } },
    { weight: { fold: 'last' } },
    'edge Rider RODE_IN City .far',
    /edge RODE_IN \.far would be folded by last, and is by sum now/,
  ],
  [
    'another rule of a set',
    tags('add'),
    tags('remove'),
    'node Rider .tags',
    /the set of node Rider \.tags would be written by remove, and is by add now/,
  ],
  [
    'one value for a set',
    tags('add'),
    { properties: { tags: 'city' } },
    'node Rider .tags',
    /node Rider \.tags would have one value, and has several values now/,
  ],
  [
    'no event id',
    {},
    { eventId: undefined },
    'event eventId',
    /there would be no eventId, and it is ride now/,
  ],
  ['another event id', {}, { eventId: 'rider' }, 'event eventId', /the eventId would be rider/],
  [
    'a key',
    {},
    { edge: { key: 'ride' } },
    'edge Rider RODE_IN City',
    /of edge RODE_IN there would be one a key/,
  ],
  ['another form of ids', {}, { node: { id: 'metres' } }, 'node Rider', /ids of node Rider would be integer/],
  ['another domain', {}, { domain: 'transport' }, 'event domain', null],
  ['a rank', {}, { rank: 3 }, 'event rank', null],
  ['a condition', {}, { where: 'metres > 1' }, 'event where', null],
  ['a condition of a node', {}, { node: { where: 'metres > 1' } }, 'node Rider', null],
  ['an optional node', {}, { node: { optional: true } }, 'node Rider', null],
];

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'journey-graph-losses-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function preview(before: Mapping, after: Mapping) {
  const files = { 'before.avsc': schema(before), 'after.avsc': schema(after) };
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  const event = { at: Date.UTC(2026, 5, 1), ride: '1', rider: '7', city: 'Oslo', metres: 4 };
  await writeFile(join(folder, 'rides.ndjson'), JSON.stringify({ event }));
  const line = ['--against', join(folder, 'before.avsc'), '--samples', join(folder, 'rides.ndjson')];
  const io = fakeIo();
  const code = await runProgram(['schema', 'preview', join(folder, 'after.avsc'), ...line], io);
  return { code, ...io.written };
}

describe('what a version declares otherwise', () => {
  it.each(changes)('is shown by diff: %s', (_what, before, after, row) => {
    const differences = diffOutlines(outlineOf(schema(before)), outlineOf(schema(after)));
    expect(differences.map(({ part, name }) => `${part} ${name}`)).toContain(row);
    expect(diffOutlines(outlineOf(schema(before)), outlineOf(schema(before)))).toEqual([]);
  });

  it.each(changes.filter(([, , , , loss]) => loss !== null))(
    'is refused by preview where it destroys what is there: %s',
    async (_what, before, after, _row, loss) => {
      const { code, out } = await preview(before, after);
      expect(out).toMatch(loss ?? /never/);
      expect(out).not.toContain('Nothing is lost.');
      expect(code).toBe(5);
    },
  );

  it('is no loss where it only keeps more', async () => {
    const { code, out } = await preview({ node: { ttl: '1h' } }, { node: { ttl: '365d' }, rank: 3 });
    expect(out).toContain('kept for 365d');
    expect(out).toContain('Nothing is lost.');
    expect(code).toBe(0);
  });
});

describe('the fields of a record inside itself', () => {
  it('are shown for two rounds', () => {
    const next = { name: 'next', type: ['null', 'Stop'] };
    const stop = { type: 'record', name: 'Stop', fields: [{ name: 'code', type: 'string' }, next] };
    const route = { type: 'record', name: 'Route', fields: [{ name: 'stop', type: stop }] };
    const names = outlineOf(JSON.stringify(route)).map(({ name }) => name);
    expect(names).toEqual(['stop', 'stop.code', 'stop.next', 'stop.next.code', 'stop.next.next']);
  });
});
