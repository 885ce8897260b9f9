import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isTestOnly, sourceFiles } from '../test/check/source-files.ts';

const root = join(import.meta.dirname, '..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const shipped = [...sourceFiles(root).filter((path) => !isTestOnly(path)), 'cli/jg.js'].map(read).join('\n');

/** Names of others that are passed on in the same places as our codes. */
const foreign = new Set(['SIGINT', 'SIGTERM', 'SIGHUP', 'UNKNOWN_TOPIC_OR_PARTITION']);

/** Where our code hands on a code: as a first argument, as a property, and after an HTTP status. */
const handedOn = /(?:\(\s*|\bcode: |,\s*\d{3},\s*)'([A-Z]+(?:_[A-Z]+)*)'/g;
const codes = [...shipped.matchAll(handedOn)]
  .map(([, code]) => code ?? '')
  .filter((code) => code.length > 5 && !foreign.has(code));

const page = read('docs/errors.md');
const apiPage = read('docs/api.md');
const tableCodes = (text: string): string[] =>
  [...text.matchAll(/^\| `([A-Z_]+)`/gm)].map(([, code]) => code ?? '');

/** The section that each class of errors has. */
const sections = {
  BadDataError: 'Bad data',
  OutageError: 'Outages',
  StopError: 'A person has to act',
  RefusedError: 'Refused',
} as const;

describe('docs/errors.md', () => {
  it('has every code that our code hands on, or docs/api.md has', () => {
    expect(codes.length).toBeGreaterThan(80);
    const documented = new Set(tableCodes(page));
    const inApi = (code: string): boolean => apiPage.includes(`\`${code}\``);
    expect([...new Set(codes)].filter((code) => !documented.has(code) && !inApi(code))).toEqual([]);
  });

  it('has no code that is nowhere to be found', () => {
    const listed = tableCodes(page);
    expect(listed.length).toBeGreaterThan(80);
    expect(listed.filter((code) => !new RegExp(`\\b${code}\\b`).test(shipped))).toEqual([]);
  });

  it.each(Object.entries(sections))('lists what is thrown as %s under %s', (name, title) => {
    const section = page.split('\n## ').find((text) => text.startsWith(`${title}\n`)) ?? '';
    const thrown = [...shipped.matchAll(new RegExp(`new ${name}\\(\\s*'([A-Z_]+)'`, 'g'))];
    expect(thrown.length).toBeGreaterThan(5);
    const listed = new Set(tableCodes(section));
    expect(thrown.map(([, code]) => code ?? '').filter((code) => !listed.has(code))).toEqual([]);
  });

  it('names each code once in a section', () => {
    for (const section of page.split('\n## ')) {
      const listed = tableCodes(section);
      expect(listed).toEqual([...new Set(listed)]);
    }
  });
});
