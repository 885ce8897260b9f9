import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkImports, houseTable, type ImportRules, references } from './import-table.ts';
import { parseModule, readModules } from './parsed-module.ts';
import { sourceFiles } from './source-files.ts';

const rules: ImportRules = { table: houseTable, dependencies: new Set(['avsc', '@apollo/server']) };

function messages(path: string, source: string): string[] {
  return checkImports([parseModule(path, source)], rules).map(
    (finding) => `${finding.line}: ${finding.message}`,
  );
}

describe('the import table', () => {
  it('fails when it looked at no module', () => {
    expect(checkImports([], rules)).toMatchObject([{ message: 'the import check looked at no module' }]);
  });

  it.each([
    ['an import', "import { a } from '../cli/index.ts';"],
    ['an import for its effect', "import '../cli/index.ts';"],
    ['a type import', "import type { A } from '../cli/index.ts';"],
    ['an inline type import', "import { type A } from '../cli/index.ts';"],
    ['a named re-export', "export { a } from '../cli/index.ts';"],
    ['a type re-export', "export type { A } from '../cli/index.ts';"],
    ['a star re-export', "export * from '../cli/index.ts';"],
    ['a namespace re-export', "export * as cli from '../cli/index.ts';"],
    ['a dynamic import', "const cli = await import('../cli/index.ts');"],
    ['a dynamic import of a template', 'const cli = await import(`../cli/index.ts`);'],
    ['an import type', "type A = import('../cli/index.ts').A;"],
    ['a module URL', "const worker = new URL('../cli/index.ts', import.meta.url);"],
    ['an import over several lines', "import {\n  a,\n} from\n  '../cli/index.ts';"],
    ['an import beside a decoy', "const s = \"from 'x'\"; /* import */ import { a } from '../cli/index.ts';"],
  ])('sees %s', (_name, source) => {
    expect(messages('graph-store/a.ts', source)).toEqual([
      '1: graph-store/ may not import cli/ (it may: foundation)',
    ]);
  });

  it.each([
    ['a comment', "// import { a } from '../cli/index.ts';\nexport {};"],
    ['a string', 'export const text = "import { a } from \'../cli/index.ts\'";'],
    ['a template', "export const text = `import('../cli/index.ts')`;"],
    ['another URL', "export const url = new URL('../cli/index.ts', base);"],
  ])('takes %s for no import', (_name, source) => {
    expect(references(parseModule('graph-store/a.ts', source))).toEqual([]);
  });

  it.each([
    ['its own files', 'ingest/kafka/a.ts', "import { b } from '../b.ts';"],
    ['an allowed room by its index', 'ingest/a.ts', "import { b } from '../graph-store/index.ts';"],
    ['foundation', 'config/a.ts', "import { b } from '../foundation/index.ts';"],
    ['node', 'graph-store/a.ts', "import { b } from 'node:fs';"],
    ['a dependency', 'schemas/a.ts', "import b from 'avsc';"],
    ['a file of a dependency', 'query-api/a.ts', "import b from '@apollo/server/plugin/x';"],
  ])('lets a room import %s', (_name, path, source) => {
    expect(messages(path, source)).toEqual([]);
  });

  it.each([
    ['past a door', 'ingest/a.ts', "import { b } from '../graph-store/b.ts';", 'import graph-store/index.ts'],
    [
      'past a door from cli',
      'cli/a.ts',
      "import { b } from '../graph-store/b.ts';",
      'import graph-store/index.ts',
    ],
    [
      'against the stream',
      'schemas/a.ts',
      "import { b } from '../ingest/index.ts';",
      'may not import ingest/',
    ],
    ['from foundation', 'foundation/a.ts', "import { b } from '../config/index.ts';", 'it may: no room'],
    ['a test', 'ingest/a.ts', "import { b } from './b.test.ts';", 'which only tests may'],
    [
      'a conformance suite',
      'graph-store/index.ts',
      "export * from './conformance.ts';",
      'which only tests may',
    ],
    ['the tests', 'cli/a.ts', "import { b } from '../test/services/index.ts';", 'which only tests may'],
    ['a benchmark', 'cli/a.ts', "import { b } from '../bench/histogram.ts';", 'which only tests may'],
    [
      'a package for tests',
      'cli/a.ts',
      "import { it } from 'vitest';",
      "not among package.json's dependencies",
    ],
    ['by expression', 'cli/a.ts', 'await import(name);', 'by an expression'],
    ['from outside', 'cli/a.ts', "import { b } from '../../b.ts';", 'leaves the project'],
    [
      'other rooms’ data',
      'ingest/a.ts',
      "new URL('../schemas/a.avsc', import.meta.url);",
      'inside another room',
    ],
  ])('refuses to import %s', (_name, path, source, expected) => {
    const found = messages(path, source);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(expected);
  });

  it.each(['test/a.test.ts', 'bench/a.bench.ts', 'ingest/a.test.ts', 'graph-store/conformance.ts'])(
    'lets %s import everything',
    (path) => {
      expect(messages(path, "import { b } from '../cli/b.ts'; import 'vitest';")).toEqual([]);
    },
  );

  it('refuses a folder that is no room', () => {
    expect(messages('utils/a.ts', 'export {};')).toEqual(['1: "utils/" is no room of the import table']);
  });

  it('refuses a module that it cannot parse', () => {
    expect(messages('cli/a.ts', 'import {')[0]).toContain('cannot be parsed');
  });

  it('tells a circle of rooms along its way', () => {
    const modules = [
      parseModule('b/index.ts', "import '../c/index.ts';"),
      parseModule('c/index.ts', "import '../d/index.ts';"),
      parseModule('d/index.ts', "import '../b/index.ts';"),
    ];
    const table = { b: ['c'], c: ['d'], d: ['b'] };
    expect(checkImports(modules, { table, dependencies: new Set() })).toEqual([
      { path: 'd/index.ts', line: 1, message: 'rooms import in a circle: b -> c -> d -> b' },
    ]);
  });

  it('names only rooms in a table that has no circle', () => {
    const modules = Object.entries(houseTable).flatMap(([room, allowed]) =>
      allowed === 'all'
        ? []
        : allowed.map((to) => parseModule(`${room}/index.ts`, `import '../${to}/index.ts';`)),
    );
    expect(modules.length).toBeGreaterThan(10);
    expect(checkImports(modules, rules)).toEqual([]);
  });
});

describe('this repository', () => {
  const root = join(import.meta.dirname, '..', '..');
  const modules = readModules(root, sourceFiles(root));

  it('is looked at in all its rooms that hold code', () => {
    const rooms = new Set(modules.map((module) => module.path.split('/')[0]));
    expect([...rooms]).toEqual(
      expect.arrayContaining(['foundation', 'graph-store', 'ingest', 'schemas', 'test']),
    );
  });

  it('has every relative import seen that a plain search finds', () => {
    for (const module of modules.filter(({ path }) => !path.startsWith('test/check/'))) {
      const seen = references(module).map(({ specifier }) => specifier);
      const source = readFileSync(join(root, module.path), 'utf8');
      for (const [, specifier] of source.matchAll(/^(?:import|export|\}).* from '([^']+)';$/gm)) {
        expect(seen, module.path).toContain(specifier);
      }
    }
  });
});
