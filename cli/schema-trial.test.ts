import { describe, expect, it } from 'vitest';
import { compileSource } from './schema-check.ts';
import { tryGenerated, tryJson } from './schema-trial.ts';

function compiled(fields: readonly object[], graph: object) {
  const all = [{ name: 'at', type: 'long' }, { name: 'id', type: 'string' }, ...fields];
  const text = JSON.stringify({
    type: 'record',
    name: 'E',
    fields: all,
    graph: { domain: 'd', time: 'at', ...graph },
  });
  const { problems, schema, plan } = compileSource({ file: 'e.avsc', text, subject: null });
  if (schema === null || plan === null) throw new Error(JSON.stringify(problems));
  return { schema, plan };
}

describe('a generated event', () => {
  it('has in its maps the keys that paths, expressions and conditions read', () => {
    const numbers = { type: 'map', values: 'int' };
    const { schema, plan } = compiled(
      [
        { name: 'size', type: numbers },
        { name: 'votes', type: numbers },
        { name: 'flags', type: { type: 'map', values: ['null', 'boolean'] } },
      ],
      {
        where: 'votes.total >= 0',
        nodes: [
          {
            type: 'Box',
            id: 'id',
            properties: { height: 'size.height', width: 'size["w"]', twice: { cel: 'size.depth * 2' } },
          },
        ],
      },
    );
    const [first] = tryGenerated(schema, plan, 1).trials;
    expect(first?.event).toMatchObject({
      size: { height: expect.any(Number), w: expect.any(Number), depth: expect.any(Number) },
      votes: { total: expect.any(Number), 'key-2': expect.any(Number) },
      flags: { 'key-1': true },
    });
    expect(first?.fate).toBe('mapped');
  });
});

describe('an event written by hand', () => {
  const { schema, plan } = compiled(
    [
      { name: 'note', type: ['null', 'string'] },
      {
        name: 'lines',
        type: {
          type: 'array',
          items: { type: 'record', name: 'Line', fields: [{ name: 'count', type: ['null', 'int'] }] },
        },
      },
      { name: 'color', type: { type: 'enum', name: 'Color', symbols: ['RED', 'BLUE'] } },
    ],
    { nodes: [{ type: 'Box', id: 'id' }] },
  );
  const fine = { at: 1, id: 'a', note: null, lines: [], color: 'RED' };

  it.each([
    [{ note: 'a@x' }, '`note`: "a@x" must name its branch of null, string: write {"string":"a@x"}'],
    [
      { lines: [{ count: { int: 1 } }, { count: 2 }] },
      '`lines[1].count`: 2 must name its branch of null, int: write {"int":2}',
    ],
    [{ color: 'GREEN' }, '`color`: "GREEN" is no Color of RED, BLUE'],
    [{ at: 'now' }, '`at`: "now" is no long'],
    [{ id: undefined, idd: 'a' }, '`id` is missing (did you mean `idd`?)'],
  ])('that does not fit is refused by its path: %j', (wrong, reason) => {
    const json = JSON.stringify({ ...fine, ...wrong });
    expect(() => tryJson(schema, plan, json, {})).toThrow(`The event does not fit its schema: ${reason}.`);
  });

  it('that fits is mapped', () => {
    expect(tryJson(schema, plan, JSON.stringify(fine), {}).fate).toBe('mapped');
  });
});
