import { must } from '../../foundation/index.ts';
import type { Finding } from './parsed-module.ts';

interface LockedPackage {
  version?: string;
  optional?: boolean;
  dev?: boolean;
  os?: string[];
  cpu?: string[];
  libc?: string[];
  optionalDependencies?: Record<string, string>;
}

export interface Lockfile {
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
      const entry = {
        version,
        ...(locked.dev === true ? { dev: true } : {}),
        optional: true,
        ...platform(name),
      };
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
  const os = must(
    words.find((word) => systems.includes(word)),
    `${name} names its system`,
  );
  const cpu = must(
    words.find((word) => Object.hasOwn(processors, word)),
    `${name} names its processor`,
  );
  const libc = name.includes('musl') ? ['musl'] : name.includes('gnu') ? ['glibc'] : null;
  return { os: [os], cpu: [cpu], ...(libc === null ? {} : { libc }) };
}

/** `npm ci` refuses a lockfile that leaves out an optional dependency, even one made for another platform. */
export function checkLockfile(lockfile: Lockfile): readonly Finding[] {
  return [...missingPlatforms(lockfile).keys()].map((path) => ({
    path: 'package-lock.json',
    line: 1,
    message: `${path} is missing, which npm ci refuses: run node test/check/complete-lockfile.ts`,
  }));
}
