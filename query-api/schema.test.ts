import { readFile } from 'node:fs/promises';
import { buildSchema, printSchema } from 'graphql';
import { expect, it } from 'vitest';
import { createSchema } from './index.ts';

it('The schema in the documents is the one that is served', async () => {
  const documented = await readFile(new URL('../docs/schema.graphql', import.meta.url), 'utf8');
  // Both printed the same way: the document is laid out by the formatter.
  expect(printSchema(buildSchema(documented))).toBe(printSchema(createSchema()));
});
