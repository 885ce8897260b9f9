import { describe, expect, it } from 'vitest';
import { checkLockfile, missingPlatforms } from './lockfile.ts';

const tool = { version: '1.0.0', optionalDependencies: { '@tool/linux-x64-musl': '1.0.0' } };

describe('the lockfile', () => {
  it('is complete when every optional dependency has its entry', () => {
    const held = { version: '1.0.0', optional: true };
    const packages = { '': {}, 'node_modules/tool': tool, 'node_modules/@tool/linux-x64-musl': held };
    expect(checkLockfile({ packages })).toEqual([]);
  });

  it('takes an entry nested below its dependent, or below a package around that, for held', () => {
    const packages = {
      '': {},
      'node_modules/outer/node_modules/tool': tool,
      'node_modules/outer/node_modules/@tool/linux-x64-musl': { version: '1.0.0' },
    };
    expect(checkLockfile({ packages })).toEqual([]);
  });

  it('is refused when a platform is left out, and the entry that mends it names the platform', () => {
    const lockfile = { packages: { '': {}, 'node_modules/tool': { ...tool, dev: true } } };
    expect(checkLockfile(lockfile)).toHaveLength(1);
    expect(missingPlatforms(lockfile)).toEqual(
      new Map([
        [
          'node_modules/@tool/linux-x64-musl',
          { version: '1.0.0', dev: true, optional: true, os: ['linux'], cpu: ['x64'], libc: ['musl'] },
        ],
      ]),
    );
  });
});
