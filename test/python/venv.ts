import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { readTestEnvironment } from '../services/environment.ts';
import { findExecutable } from '../services/java-tools.ts';
import { adopt, outputOf } from '../services/packages.ts';
import { ServiceError } from '../services/service-error.ts';

const run = promisify(execFile);
const installTimeoutMs = 300_000;

/** Full path of the python3 on the PATH; null when there is none that can make virtual environments. */
export async function findPython(searchPath: string): Promise<string | null> {
  const python = findExecutable('python3', searchPath.split(delimiter));
  if (python === null) return null;
  try {
    await run(python, ['-c', 'import venv, ensurepip'], { timeout: 10_000 });
    return python;
  } catch {
    // Debian splits these modules off: a python3 without them is of no use here.
    return null;
  }
}

/**
 * The interpreter of a virtual environment with the packages of a `requirements.txt` installed, made once and kept in the cache folder.
 * Its programs are to be run as `python -m …` or by file: the folder is renamed after it was made, which `bin/pip` and
 * the like, unlike `bin/python`, do not survive.
 *
 * @throws {ServiceError} when python3 is missing or the packages cannot be installed.
 */
export async function pythonWithPackages(
  requirements: string = join(import.meta.dirname, 'requirements.txt'),
): Promise<string> {
  const { cacheDirectory, searchPath } = readTestEnvironment(process.env);
  const digest = createHash('sha256')
    .update(await readFile(requirements))
    .digest('hex')
    .slice(0, 12);
  const target = join(cacheDirectory, `python-${digest}`);
  const interpreter = join(target, 'bin', 'python');
  if (existsSync(target)) return interpreter;

  const python = await findPython(searchPath);
  if (python === null) throw new ServiceError('No Python: install python3 with its venv module.');
  await mkdir(cacheDirectory, { recursive: true });
  const staging = await mkdtemp(join(cacheDirectory, '.python-'));
  try {
    await run(python, ['-m', 'venv', staging], { timeout: installTimeoutMs });
    // Python compiles what is imported; compiling all of it takes longer than the download.
    const options = ['--quiet', '--no-compile', '--only-binary', ':all:'];
    const install = ['-m', 'pip', 'install', ...options, '-r', requirements];
    await run(join(staging, 'bin', 'python'), install, { timeout: installTimeoutMs });
    await adopt(staging, target);
    return interpreter;
  } catch (error) {
    throw new ServiceError(`Could not install the Python packages of ${requirements}: ${outputOf(error)}`, {
      cause: error,
    });
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}
