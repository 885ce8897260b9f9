import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Folders that hold nothing of ours, or nothing that is code. */
const skipped = new Set(['node_modules', 'dist', 'data', 'fixtures', 'results']);

/** Every TypeScript module below `root`, relative to it, with forward slashes, in a stable order. */
export function sourceFiles(root: string): string[] {
  const found: string[] = [];
  const enter = (folder: string): void => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) {
        if (!skipped.has(entry.name) && !entry.name.startsWith('.')) enter(path);
      } else if (entry.name.endsWith('.ts') && !entry.name.endsWith('.d.ts')) {
        found.push(path);
      }
    }
  };
  enter('');
  return found.sort();
}

/**
 * Modules that only tests load. They may import everything, and nothing that ships may import them; the build
 * leaves them out by the same names (`tsconfig.build.json`).
 */
export function isTestOnly(path: string): boolean {
  if (/^(test|bench)\//.test(path) || path === 'vitest.config.ts') return true;
  return (
    /\.(test|bench|fake|arbitrary)\.ts$/.test(path) || /(^|[/.-])(conformance|testing)([/.-])/.test(path)
  );
}

/** The top-level folder, or the empty string for a module at the root. */
export function roomOf(path: string): string {
  const slash = path.indexOf('/');
  return slash === -1 ? '' : path.slice(0, slash);
}
