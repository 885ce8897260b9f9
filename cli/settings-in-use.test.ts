import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { settingSpecs } from '../config/index.ts';
import { isTestOnly, sourceFiles } from '../test/check/source-files.ts';

it('reads every setting of the table outside config/: one that does nothing would be a promise broken', () => {
  const root = join(import.meta.dirname, '..');
  const code = sourceFiles(root)
    .filter((path) => path.startsWith('cli/') && !isTestOnly(path))
    .map((path) => readFileSync(join(root, path), 'utf8'))
    .join('\n');
  const names = [...settingSpecs.keys()];
  expect(names.length).toBeGreaterThan(40);
  const isRead = (name: string): boolean =>
    code.includes(`ettings['${name}']`) || new RegExp(`\\bsettings\\.${name}\\b`).test(code);
  expect(names.filter((name) => !isRead(name))).toEqual([]);
});
