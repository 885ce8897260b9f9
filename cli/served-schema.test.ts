import { readFile } from 'node:fs/promises';
import { buildSchema, printSchema } from 'graphql';
import { expect, it } from 'vitest';
import { systemClock } from '../foundation/index.ts';
import { schemaOfGraph } from '../query-api/index.ts';
import { reservedTypeNames } from '../schemas/index.ts';
import { liveSchema } from './live-schema.ts';

const io = { clock: systemClock, random: Math.random, newId: () => crypto.randomUUID() };
const empty = { nodeTypes: [], edgeTypes: [], domains: [] };

it('The schema in the documents is the one that is served', async () => {
  const documented = await readFile(new URL('../docs/schema.graphql', import.meta.url), 'utf8');
  // Both printed the same way: the document is laid out by the formatter.
  expect(printSchema(buildSchema(documented))).toBe(printSchema(schemaOfGraph(empty, await liveSchema(io))));
});

it('No node type of a graph takes the name of a type that is served', async () => {
  const names = Object.keys(schemaOfGraph(empty, await liveSchema(io)).getTypeMap());
  const own = names.filter((name) => !name.startsWith('__'));
  expect(own.length).toBeGreaterThan(60);
  expect(own.filter((name) => !reservedTypeNames.has(name))).toEqual([]);
});
