import { describe, expect, it } from 'vitest';
import { parseModule } from './parsed-module.ts';
import { checkSizes, functionSizes } from './size-ratchet.ts';

const limits = { functionLinesMax: 4, fileLinesMax: 30 };

function body(lines: number): string {
  return Array.from({ length: lines }, (_, index) => `  step(${index});`).join('\n');
}

function namesAndLines(path: string, source: string): [string, number][] {
  return functionSizes(parseModule(path, source)).map(({ name, lines }) => [name, lines]);
}

describe('the length of a function', () => {
  it.each([
    ['a function', `function name() {\n${body(3)}\n}`, 'name'],
    ['a generic function', `export async function name<T>(a: T): Promise<T> {\n${body(3)}\n}`, 'name'],
    ['an arrow', `const name = () => {\n${body(3)}\n};`, 'name'],
    ['a method', `class Store {\n  name() {\n${body(3)}\n}\n}`, 'Store.name'],
    ['a private method', `class Store {\n  #name() {\n${body(3)}\n}\n}`, 'Store.name'],
    ['a getter', `class Store {\n  get name() {\n${body(3)}\n}\n}`, 'Store.name'],
    [
      'an arrow in a field',
      `class Store {\n  readonly name = (): void => {\n${body(3)}\n};\n}`,
      'Store.name',
    ],
    ['a method of an object', `const store = {\n  name() {\n${body(3)}\n},\n};`, 'store.name'],
    ['a callback', `function outer() { call(() => {\n${body(3)}\n}); }`, 'outer.(callback)'],
    ['a template with braces', `function name() {\n  return \`{\n\${{ a: '}' }}\n\`;\n}`, 'name'],
  ])('is that from first to last line of %s', (_kind, source, name) => {
    expect(namesAndLines('ingest/a.ts', source)).toContainEqual([name, 5]);
  });

  it('does not count what has no body', () => {
    const source =
      'export declare function a(): void;\nabstract class B { abstract c(): void; }\ntype D = () => void;';
    expect(namesAndLines('ingest/a.ts', source)).toEqual([]);
  });

  it('leaves out blocks that group tests, for themselves and for the function around', () => {
    const source = `export function conformance() {
  describe('store', () => {
    it('keeps', () => {\n${body(20)}\n    });
    it.each([1])('keeps %s', () => {\n${body(20)}\n    });
    describe.skipIf(true)('x', () => {\n${body(20)}\n    });
  });
}`;
    expect(namesAndLines('graph-store/conformance.ts', source)).toEqual([['conformance', 3]]);
  });

  it('counts a long helper inside a test', () => {
    const source = `describe('store', () => {\n  const make = () => {\n${body(8)}\n};\n});`;
    expect(namesAndLines('graph-store/a.test.ts', source)).toEqual([['make', 10]]);
  });
});

describe('the size ratchet', () => {
  const long = parseModule('ingest/a.ts', `function name() {\n${body(8)}\n}\n`);

  it('refuses a function over the limit, and a file over the limit', () => {
    const file = parseModule('ingest/b.ts', `${body(31)}\n`);
    expect(checkSizes([long, file], limits, {}).findings.map(({ message }) => message)).toEqual([
      'ingest/a.ts#name has 10 lines (at most 4)',
      'ingest/b.ts has 31 lines (at most 30)',
    ]);
  });

  it('accepts what is at the limit', () => {
    const function4 = parseModule('ingest/a.ts', `function name() {\n${body(2)}\n}\n${body(26)}\n`);
    expect(checkSizes([function4], limits, {}).findings).toEqual([]);
  });

  it('lets a known exception stay as it is', () => {
    expect(checkSizes([long], limits, { 'ingest/a.ts#name': 10 }).findings).toEqual([]);
  });

  it('refuses a known exception that grew, and does not loosen it', () => {
    const report = checkSizes([long], limits, { 'ingest/a.ts#name': 9 });
    expect(report.findings).toHaveLength(1);
    expect(report.tightened).toEqual({ 'ingest/a.ts#name': 9 });
  });

  it('asks to tighten an exception that shrank', () => {
    const report = checkSizes([long], limits, { 'ingest/a.ts#name': 12 });
    expect(report.findings[0]?.message).toContain('shrank from 12 to 10 lines');
    expect(report.tightened).toEqual({ 'ingest/a.ts#name': 10 });
  });

  it('asks to drop an exception that is none any more, and never adds one', () => {
    const report = checkSizes([long], limits, { 'ingest/gone.ts': 600 });
    expect(report.findings.map(({ path }) => path)).toEqual(['ingest/a.ts', 'ingest/gone.ts']);
    expect(report.tightened).toEqual({});
  });
});
