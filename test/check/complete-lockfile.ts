import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { must } from '../../foundation/index.ts';

/**
 * `node test/check/complete-lockfile.ts` after every `npm install`.
 *
 * `npm ci` refuses a lockfile that leaves out an optional dependency, even one made for another platform; and a registry
 * mirror that does not carry every platform makes `npm install` write just such a lockfile. This adds the missing entries
 * (exact version, platform, no download address), so that `npm ci` works with this lockfile on every platform.
 */
interface LockedPackage {
  version?: string;
  optional?: boolean;
  dev?: boolean;
  os?: string[];
  cpu?: string[];
  libc?: string[];
  optionalDependencies?: Record<string, string>;
}

interface Lockfile {
  packages: Record<string, LockedPackage>;
}

const systems = ['android', 'darwin', 'freebsd', 'linux', 'openharmony', 'win32'];
const processors: Readonly<Record<string, string>> = {
  arm64: 'arm64',
  x64: 'x64',
  ia32: 'ia32',
  arm: 'arm',
  ppc64: 'ppc64',
  riscv64: 'riscv64',
  s390x: 's390x',
};

/** The path of each optional dependency that the lockfile names but does not hold, with its entry. */
export function missingPlatforms(lockfile: Lockfile): ReadonlyMap<string, LockedPackage> {
  const missing = new Map<string, LockedPackage>();
  for (const [path, locked] of Object.entries(lockfile.packages)) {
    for (const [name, version] of Object.entries(locked.optionalDependencies ?? {})) {
      if (isHeld(lockfile, path, name)) continue;
      const entry = { version, ...(locked.dev === true ? { dev: true } : {}), optional: true, ...platform(name) };
      missing.set(`node_modules/${name}`, entry);
    }
  }
  return missing;
}

/** Node's own resolution: nested below the dependent first, then ever further out. */
function isHeld(lockfile: Lockfile, dependent: string, name: string): boolean {
  let base = dependent;
  for (;;) {
    if (Object.hasOwn(lockfile.packages, `${base === '' ? '' : `${base}/`}node_modules/${name}`)) return true;
    if (base === '') return false;
    base = base.includes('/node_modules/') ? base.slice(0, base.lastIndexOf('/node_modules/')) : '';
  }
}

function platform(name: string): Pick<LockedPackage, 'os' | 'cpu' | 'libc'> {
  const words = name.split(/[/-]/);
  const os = must(words.find((word) => systems.includes(word)), `${name} names its system`);
  const cpu = must(words.find((word) => Object.hasOwn(processors, word)), `${name} names its processor`);
  const libc = name.includes('musl') ? ['musl'] : name.includes('gnu') ? ['glibc'] : null;
  return { os: [os], cpu: [cpu], ...(libc === null ? {} : { libc }) };
}

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

if (import.meta.main) await main();
