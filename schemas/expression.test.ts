import { describe, expect, test } from 'vitest';
import { BadDataError } from '../foundation/index.ts';
import { AvroSchema } from './avro-type.ts';
import { ExpressionCompiler } from './expression.ts';
import type { Scope } from './value-plan.ts';

const field = (name: string, type: unknown): object => ({ name, type });
const record = (name: string, ...fields: object[]): object => ({ type: 'record', name, fields });
const decimal = (scale: number): object => ({ type: 'bytes', logicalType: 'decimal', precision: 30, scale });
const schema = new AvroSchema(
  JSON.stringify(
    record(
      'Event',
      ...['type', 'in', 'package', 'constructor', 'toString', 'text', 'zone'].map((name) =>
        field(name, 'string'),
      ),
      field('n', 'long'),
      field('none', ['null', 'long']),
      field('d', 'double'),
      field('raw', 'bytes'),
      field('price', decimal(2)),
      field('color', { type: 'enum', name: 'Color', symbols: ['RED', 'BLUE'] }),
      field('at', { type: 'long', logicalType: 'timestamp-millis' }),
      field('micros', { type: 'long', logicalType: 'timestamp-micros' }),
      field('far', { type: 'long', logicalType: 'timestamp-millis' }),
      field(
        'tree',
        record(
          'Tree',
          field('x', 'int'),
          field('constructor', 'string'),
          field('below', ['null', 'Tree']),
          field('many', { type: 'array', items: ['null', 'Tree'] }),
        ),
      ),
      field('either', ['null', 'string', 'long', 'Tree', record('unwrap', field('y', 'int'))]),
      field('other', ['null', 'string', 'long', 'Tree', 'unwrap']),
      field('tags', { type: 'array', items: ['null', 'string'] }),
      field('counts', { type: 'map', values: ['null', 'long'] }),
      field('trees', { type: 'map', values: 'Tree' }),
    ),
  ),
);
const scope: Scope = [{ name: null, type: schema.type, isEntry: false }];
const leaf = { x: 2, constructor: 'c', below: null, many: [] };
const tree = { x: 1, constructor: 'c', below: leaf, many: [null, leaf] };
const counts = Object.assign(Object.create(null), { a: 1n, z: null, constructor: 3n });
Object.defineProperty(counts, '__proto__', { value: 4n, enumerable: true });
const event = {
  type: 'T',
  in: 'I',
  package: 'P',
  constructor: 'C',
  toString: 'S',
  text: 'text',
  zone: 'Europe/Paris',
  n: -(2n ** 63n),
  none: null,
  d: Number.NaN,
  raw: Buffer.from([0, 255]),
  price: Buffer.from([4, 210]),
  color: 'RED',
  at: 1_795_288_500_123n,
  micros: 1_795_288_500_123_456n,
  far: 2n ** 62n,
  tree,
  either: { long: 7n },
  other: { unwrap: { y: 5 } },
  tags: ['a', null, 'b'],
  counts,
  trees: Object.assign(Object.create(null), { oak: tree }),
};

function evaluate(text: string, change: object = {}): unknown {
  const compiled = new ExpressionCompiler(schema).compile(text, scope);
  if (!compiled.ok) throw new Error(compiled.sentence);
  return compiled.expression.evaluate([{ ...event, ...change }]);
}

describe('an expression', () => {
  test.each<[string, unknown]>([
    // Words of CEL, and of JavaScript.
    ['event.type', 'T'],
    ['event["in"]', 'I'],
    ['event.package', 'P'],
    ['constructor', 'C'],
    ['toString', 'S'],
    ['tree.x', 1n],
    ['counts.constructor', 3n],
    ['counts["__proto__"]', 4n],
    // Kinds.
    ['price', 12.34],
    ['color == "RED"', true],
    ['raw', new Uint8Array([0, 255])],
    ['at', 1_795_288_500_123n],
    ['micros', 1_795_288_500_123n],
    ['at.getHours(zone)', 20n],
    ['at - duration("1s") < micros', true],
    ['n', -(2n ** 63n)],
    // Unions of several branches, and records inside themselves.
    ['int(either)', 7n],
    ['either == 7', true],
    ['other.y == 5', true],
    ['has(other.x)', false],
    ['int(tree.below.x)', 2n],
    ['int(tree.many[0].x)', 2n],
    ['trees.oak.x', 1n],
    ['trees["oak"].many.exists(t, t.x == 2)', true],
    // Nulls.
    ['none', null],
    ['none + 1', null],
    ['n == none', null],
    ['!(none > 1)', null],
    ['none > 1 || n < 0', true],
    ['n < 0 || none > 1', true],
    ['none > 1 || none < 1', null],
    ['n < 0 ? n : none', -(2n ** 63n)],
    ['n > 0 ? n : none', null],
    ['n < 0 ? none : none + 1', null],
    ['tags.all(t, has(event.none) || t != "")', true],
    ['none > 1 && n > 0', false],
    ['has(event.none)', false],
    ['has(event.none) && none > 1', false],
    ['has(tree.below.below)', false],
    ['has(tree.below.below.below.x)', false],
    ['has(event.tree.below.below.x) ? 1 : 2', 2n],
    ['!has(tree.below.below.x) && size(tags) == 2', true],
    ['has(event.none) ? none : n', -(2n ** 63n)],
    ['int(tree.below.below.x)', null],
    ['size(tags)', 2n],
    ['tags.join(",")', 'a,b'],
    ['size(counts)', 3n],
    ['counts.z', null],
    ['"z" in counts', false],
    ['counts.none', null],
    // Not a number is what doubles say, and the graph refuses.
    ['d', Number.NaN],
    ['d > 1.0', false],
  ])('%s gives %s', (text, expected) => {
    expect(evaluate(text)).toEqual(expected);
  });

  test.each([
    ['n / 0', 'division by zero'],
    ['n % 0', 'modulo by zero'],
    ['n - 1', 'numeric overflow'],
    ['-n', 'gives too large a value'],
    ['9223372036854775808', 'gives too large a value'],
    ['int(d)', 'numeric overflow'],
    ['int(text)', 'int conversion error'],
    ['timestamp(text)', 'invalid timestamp'],
    ['at.getHours(text)', 'a value that it cannot take'],
    ['raw.json().x == 1', 'a value that it cannot take'],
    ['string(raw) == ""  || int(text) > 1', 'int conversion error'],
    ['tags[2]', 'index out of bounds'],
    ['tags[-1]', 'index out of bounds'],
    ['string(other)', 'no matching overload'],
    ['far', 'meets a time that no calendar holds'],
    ['event.far > at', 'meets a time that no calendar holds'],
    ['at + duration("9000000000000s")', 'a value that it cannot take'],
  ])('%s is bad data', (text, why) => {
    const attempt = (): unknown => evaluate(text);
    expect(attempt).toThrow(BadDataError);
    expect(attempt).toThrow(expect.objectContaining({ code: 'EXPRESSION_FAILED' }));
    expect(attempt).toThrow(why);
  });

  test('asks with `has` about everything on the way, and about an item of its own loop by the item', () => {
    expect(evaluate('has(other.x)', { other: null })).toBe(false);
    expect(evaluate('has(other.x) ? "x" : "none"', { other: null })).toBe('none');
    expect(evaluate('has(event.other.x)', { other: null })).toBe(false);
    expect(evaluate('tree.many.exists(other, has(other.x))', { other: null })).toBe(true);
  });

  test('does not mind what is wrong with a field that it does not use', () => {
    expect(evaluate('event.type + event["in"]', { far: 2n ** 62n, price: Buffer.alloc(2_000) })).toBe('TI');
  });

  test('takes the nearest double for a decimal of any length, and refuses a megabyte of digits', () => {
    expect(evaluate('price', { price: Buffer.from('1d6329f1c35ca4bfabb9f5610000000000', 'hex') })).toBe(1e38);
    expect(evaluate('price', { price: Buffer.from('014000000000000b', 'hex') })).toBe(900719925474099.2);
    expect(evaluate('price', { price: Buffer.alloc(0) })).toBe(0);
    expect(evaluate('price', { price: Buffer.from([255]) })).toBe(-0.01);
    expect(() => evaluate('price', { price: Buffer.alloc(1_048_576, 1) })).toThrow(
      'meets a decimal of more than 1024 bytes',
    );
  });

  test('with a loop meets lists and texts of a bounded length only', () => {
    const tags = (count: number): object => ({ tags: Array(count).fill('a') });
    expect(evaluate('tags.all(t, t == "a")', tags(1_000))).toBe(true);
    expect(() => evaluate('tags.all(t, t == "a")', tags(1_001))).toThrow(
      'a list or map of more than 1000 items',
    );
    expect(evaluate('size(tags)', tags(50_000))).toBe(50_000n);
    expect(() => evaluate('tags.exists(t, text.contains(t))', { text: 'b'.repeat(10_001) })).toThrow(
      'a text of more than 10000 characters',
    );
    expect(evaluate('text.contains("a")', { text: 'b'.repeat(1_048_576) })).toBe(false);
    expect(() => evaluate('text + text', { text: 'b'.repeat(1_048_576) })).toThrow('too large a value');
  });

  test.each([
    ['in', 'does not compile: Unexpected token: IN'],
    ['event.constructor', 'does not compile: No such key: constructor at character 7'],
    ['nosuch', "does not compile: Unknown variable: nosuch; a text stands in quotes: 'nosuch'"],
    [
      'n > nosuch',
      "does not compile: Unknown variable: nosuch at character 5; a text stands in quotes: 'nosuch'",
    ],
    [
      'n > 1 && coler == "RED"',
      'does not compile: Unknown variable: coler at character 10 (did you mean `color`?)',
    ],
    ['text = "TEST"', 'does not compile: Unexpected character: = at character 6; CEL writes =='],
    ['n > 1 & n < 3', 'does not compile: Unexpected character: & at character 7; CEL writes &&'],
    ['n > 1 and n < 3', /^does not compile: .* at character 7; CEL writes &&$/],
    [
      'n * d > 1.0',
      'does not compile: no such overload: int * double at character 1; write double(…) around the int',
    ],
    ['size(tree)', "does not compile: found no matching overload for 'size(record Tree)'"],
    ['n == null', 'does not compile: no such overload: int == null; ask for a null with has(…)'],
    ['either', 'gives a dyn, which cannot be a value: say what it is with string(…), int(…) or double(…)'],
    ['type', 'gives a type, which cannot be a value'],
    ['1u', 'gives a uint, which cannot be a value'],
    ['event', 'gives a record Event, which cannot be a value: name one of its fields'],
    [
      'cel.bind(a, tags + tags, size(a + a))',
      'calls `bind`, which can double a value again and again: write it out',
    ],
    [
      'text.matches("a")',
      'calls `matches`, which hostile text can make hang: use startsWith, endsWith, contains or ==',
    ],
    [
      'tags.exists(t, t in text.split(","))',
      'calls `split` inside a loop, once for each item: call it outside',
    ],
    [
      'tags.exists(t, tags.exists(u, u == t))',
      'has a loop inside a loop, whose cost no event bounds: use `forEach`',
    ],
    [`${'['.repeat(40)}${']'.repeat(40)}`, 'does not compile: Exceeded maxDepth (32)'],
    [`1${' + 1'.repeat(250)}`, 'does not compile: Exceeded maxAstNodes (500)'],
    [`has(tree${'.below'.repeat(31)})`, 'does not compile: Exceeded maxDepth (32)'],
    [`1${'+1'.repeat(2_100)}`, 'is longer than 4096 characters'],
    [`[${'1,'.repeat(300)}1][0]`, 'does not compile: Exceeded maxListElements (256)'],
    ['', 'does not compile: Unexpected token: EOF'],
    ['\0', 'does not compile: Unexpected character: \0'],
  ])('%j is refused', (text, sentence) => {
    expect(new ExpressionCompiler(schema).compile(text, scope)).toEqual({
      ok: false,
      sentence: typeof sentence === 'string' ? sentence : expect.stringMatching(sentence),
    });
  });
});
