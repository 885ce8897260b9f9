import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Read by people or by tools, never by the code at run time. */
const notRead = /\.(ts|md)$|(^|[/.])(fixtures|testing|node_modules)\/|(^|\/)\.|^cli\/jg\.js$/;

/** The files of a room that are no TypeScript and that its code may read: schemas, pages, pictures. */
export function runtimeFiles(root: string, room: string): string[] {
  return readdirSync(join(root, room), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(root.length + 1)
        .replaceAll('\\', '/'),
    )
    .filter((path) => !notRead.test(path))
    .sort();
}

/** The compiler rewrites the `.ts` of imports but not of `new URL('./worker.ts', import.meta.url)`. */
export function withCompiledUrls(source: string): string {
  return source.replaceAll(
    /(new URL\(\s*)(['"])(\.{1,2}\/[^'"]+)\.ts\2(\s*,\s*import\.meta\.url\s*,?\s*\))/g,
    '$1$2$3.js$2$4',
  );
}
