import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { must } from '../../foundation/index.ts';
import { type Lockfile, missingPlatforms } from './lockfile.ts';

/**
 * `node test/check/complete-lockfile.ts` after every `npm install`.
 *
 * A registry mirror that does not carry every platform makes `npm install` write a lockfile without them, which `npm ci`
 * refuses. This adds the missing entries (exact version, platform, no download address), so that `npm ci` works with this
 * lockfile on every platform.
 */
async function main(): Promise<void> {
  const file = fileURLToPath(new URL('../../package-lock.json', import.meta.url));
  const lockfile: Lockfile = JSON.parse(await readFile(file, 'utf8'));
  const missing = missingPlatforms(lockfile);
  const [root, ...others] = [...Object.entries(lockfile.packages), ...missing];
  const sorted = others.sort(([a], [b]) => (a < b ? -1 : 1));
  lockfile.packages = Object.fromEntries([must(root, 'a lockfile has its root'), ...sorted]);
  await writeFile(file, `${JSON.stringify(lockfile, null, 2)}\n`);
  process.stdout.write(`${missing.size} entries added to package-lock.json\n`);
}

await main();
