import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { PropertyValue } from '../graph-store/index.ts';
import { AvroSchema, checkMapping } from '../schemas/index.ts';
import { normalizers } from './normalizers/index.ts';

const page = readFileSync(join(import.meta.dirname, '..', 'docs', 'mapping.md'), 'utf8');
const blocks = [...page.matchAll(/^```json\n(.*?)^```$/gms)].map(([, text]) => text?.trim() ?? '');

interface Part {
  readonly graph?: object;
  readonly nodes?: readonly object[];
}

/** The page says so: a part stands beside the account. */
function mappingOf({ graph, nodes = [], ...part }: Part): object {
  const account = { type: 'Account', id: 'account' };
  return graph ?? { domain: 'shop', time: 'at', ...part, nodes: [account, ...nodes] };
}

/** The page says so, too. */
const account = new AvroSchema(
  JSON.stringify({
    type: 'record',
    name: 'AccountRow',
    fields: ['householdId', 'plan'].map((name) => ({ name, type: ['null', 'string'] })),
  }),
);
const tables = new Map([['accounts.table', account]]);

function show(value: PropertyValue): string {
  return `\`${typeof value === 'string' ? JSON.stringify(value) : String(value)}\``;
}

describe('docs/mapping.md', () => {
  const [schema, ...more] = blocks.filter((text) => text.startsWith('{'));
  const parts = blocks.filter((text) => text.startsWith('"'));

  test('shows one schema and a mapping for each construct', () => {
    expect(more).toEqual([]);
    expect(parts.length).toBeGreaterThanOrEqual(8);
    for (const word of [
      'where',
      'forEach',
      'cel',
      'apply',
      'value',
      'optional',
      'op',
      'as',
      'journey',
      'lookups',
      'missing',
    ]) {
      expect(parts.some((text) => text.includes(`"${word}"`))).toBe(true);
    }
  });

  test.each(parts)('compiles %s', (text) => {
    const part: Part = JSON.parse(`{${text}}`);
    const avro = new AvroSchema(JSON.stringify({ ...JSON.parse(schema ?? ''), graph: mappingOf(part) }));
    const { problems, plan } = checkMapping({ subject: 'docs', version: 1 }, avro, normalizers, tables);
    expect(problems).toEqual([]);
    expect(plan).not.toBeNull();
  });

  test.each([
    ['Change data capture', join('test', 'debezium', 'titles.changes.graph.avsc')],
    ['Request and response logs', join('processors', 'language', 'request-response.json')],
  ])('shows under “%s” the mapping that is tested', (title, file) => {
    const [, section = ''] = page.split(`## ${title}\n`);
    const [, shown = ''] = /^```jsonc\n(.*?)^```$/ms.exec(section) ?? [];
    const tested = JSON.parse(readFileSync(join(import.meta.dirname, '..', file), 'utf8'));
    expect(JSON.parse(`{${shown}}`).graph).toEqual((tested.schema ?? tested).graph);
  });

  test('lists the functions of `apply` as they are', () => {
    const rows = [...normalizers.values()].map(({ name, takes, gives, description, examples }) => {
      const [[given, given2] = []] = examples;
      const example = `${show(given ?? null)} → ${show(given2 ?? null)}`;
      return `| \`${name}\` | ${takes.join(', ')} | ${gives} | ${description} | ${example} |`;
    });
    const [, after = ''] = page.split('<!-- functions: kept true by a test -->\n');
    expect(after.split('\n\n', 1)[0]?.split('\n').slice(2)).toEqual(rows);
  });
});
