import { describe, expect, it } from 'vitest';
import { BadDataError } from '../foundation/index.ts';
import { AvroSchema } from './avro-type.ts';
import { BundledRegistry } from './bundled-registry.ts';
import { findTables, lookupTopics } from './lookup-tables.ts';
import { checkMapping } from './mapping-plan.ts';

const record = (name: string, fields: object, graph?: object): AvroSchema =>
  new AvroSchema(
    JSON.stringify({
      type: 'record',
      name,
      fields: Object.entries(fields).map(([field, type]) => ({ name: field, type })),
      graph,
    }),
  );
const tables = new Map([
  ['titles', record('Title', { name: 'string', next: ['null', 'string'] })],
  ['words', new AvroSchema('"string"')],
]);
const title = { as: 'title', topic: 'titles', key: 'id' };

function problemsOf(graph: object): readonly string[] {
  const whole = { domain: 'd', time: 'at', nodes: [{ type: 'A', id: 'id' }], ...graph };
  const schema = record('E', { at: 'long', id: 'string', share: 'double' }, whole);
  return checkMapping({ subject: 's', version: 1 }, schema, new Map(), tables).problems.map(
    ({ path, sentence }) => `${path} ${sentence}`,
  );
}

describe('the lookups of a mapping', () => {
  it('are seen by all that is declared, and by the lookups behind them', () => {
    const next = { as: 'next', topic: 'titles', key: 'title.next' };
    const nodes = [
      { type: 'A', id: 'id', properties: { name: 'next.name', long: { cel: 'size(title.name)' } } },
    ];
    expect(problemsOf({ lookups: [title, next], nodes, where: 'has(next.name)' })).toEqual([]);
    expect(problemsOf({ lookups: [next, title] })).toEqual([
      'graph.lookups[0].key `title.next` names no field `title`',
    ]);
  });

  it.each<[string, object, string]>([
    [
      'a table that nobody knows',
      { ...title, topic: 'title' },
      'graph.lookups[0].topic names a table whose rows are not known: register the schema of its rows as `title-value`, or give it with `--table title=rows.avsc`',
    ],
    [
      'rows that are no records',
      { ...title, topic: 'words' },
      'graph.lookups[0].topic names a table whose rows are a string: a row must be a record',
    ],
    [
      'a key that has no one text',
      { ...title, key: 'share' },
      'graph.lookups[0].key leads to a double: a key must be a string, uuid, enum, int or long',
    ],
    [
      'the name of a field',
      { ...title, as: 'share' },
      'graph.lookups[0].as is `share`, which means something else already: take another name',
    ],
    [
      'a word of expressions',
      { ...title, as: 'in' },
      'graph.lookups[0].as is `in`, a word of expressions: take another name',
    ],
  ])('cannot have %s', (_what, lookup, problem) => {
    expect(problemsOf({ lookups: [lookup] })).toEqual([problem]);
  });

  it('cannot be called the same, and their fields are checked', () => {
    expect(problemsOf({ lookups: [title, title] })).toEqual([
      'graph.lookups[1].as is `title`, which means something else already: take another name',
    ]);
    const nodes = [
      { type: 'A', id: 'id', properties: { name: 'title.nam', sum: { cel: 'title.name + 1' } } },
    ];
    const problems = problemsOf({ lookups: [title], nodes });
    expect(problems).toHaveLength(2);
    expect(problems[0]).toContain('names no field `nam` (did you mean `name`?)');
  });
});

describe('the tables of a mapping', () => {
  it('are its topics, once each, whatever else it holds', () => {
    expect(lookupTopics({ lookups: [title, { topic: 'b' }, title, { topic: 7 }, null] })).toEqual([
      'titles',
      'b',
    ]);
    expect(lookupTopics({ lookups: 'titles' })).toEqual([]);
    expect(lookupTopics(undefined)).toEqual([]);
  });

  it('are the newest values of the topics, without those that are no Avro', async () => {
    const registry = BundledRegistry.of([
      { subject: 'a-value', text: '"int"' },
      { subject: 'a-value', text: '"string"' },
      { subject: 'b-value', text: '"nothing"' },
    ]);
    const found = await findTables(registry, ['a', 'b', 'c']);
    expect([...found].map(([topic, { text }]) => [topic, text])).toEqual([['a', '"string"']]);
    const latest = async (subject: string) => {
      if (subject === 'b-value') throw new BadDataError('SCHEMA_NOT_AVRO', 'The schema is of type JSON.');
      return registry.latest(subject);
    };
    expect([...(await findTables({ latest }, ['b', 'a'])).keys()]).toEqual(['a']);
  });
});
