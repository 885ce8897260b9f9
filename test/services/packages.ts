import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { JavaTools } from './java-tools.ts';
import { ServiceError } from './service-error.ts';

const run = promisify(execFile);
const plugin = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.0';
const downloadTimeoutMs = 600_000;

export type PackageName =
  | 'kafka'
  | 'registry'
  | 'neo4j'
  | 'cassandra'
  | 'janusgraph'
  | 'debezium'
  | 'spark-iceberg';

/** Goal by package: the registry is one archive to unpack, the others are JARs with their dependencies. */
const goals: Readonly<Record<PackageName, string>> = {
  kafka: 'copy-dependencies',
  registry: 'unpack-dependencies',
  neo4j: 'copy-dependencies',
  cassandra: 'copy-dependencies',
  janusgraph: 'copy-dependencies',
  debezium: 'copy-dependencies',
  'spark-iceberg': 'copy-dependencies',
};

/**
 * Makes sure that the package's files are in the cache and returns their folder. The folder's name carries a digest of
 * the pom, so a changed pom is fetched anew. Several processes may ask at once: each downloads beside the target and
 * renames, so a half-filled folder is never seen, and the loser of that race uses the winner's.
 *
 * @throws {ServiceError} when Maven fails.
 */
export async function fetchPackage(
  name: PackageName,
  tools: JavaTools,
  cacheDirectory: string,
): Promise<string> {
  const pom = join(import.meta.dirname, 'poms', `${name}.xml`);
  const digest = createHash('sha256')
    .update(await readFile(pom))
    .digest('hex')
    .slice(0, 12);
  const target = join(cacheDirectory, `${name}-${digest}`);
  if (existsSync(target)) return target;

  await mkdir(cacheDirectory, { recursive: true });
  const staging = await mkdtemp(join(cacheDirectory, `.${name}-`));
  try {
    await copyFile(pom, join(staging, 'pom.xml'));
    const lib = join(staging, 'lib');
    const options = [`-DoutputDirectory=${lib}`, '-DincludeScope=runtime'];
    await run(
      tools.maven,
      ['-q', '-B', '-f', join(staging, 'pom.xml'), `${plugin}:${goals[name]}`, ...options],
      {
        timeout: downloadTimeoutMs,
      },
    );
    await adopt(lib, target);
    return target;
  } catch (error) {
    throw new ServiceError(
      `Could not download ${name} with Maven (${tools.maven}): ${outputOf(error)}. Check that Maven reaches its repository.`,
      { cause: error },
    );
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

/** Renames a finished folder into its place; an equal one that is already there wins. */
export async function adopt(staged: string, target: string): Promise<void> {
  try {
    await rename(staged, target);
  } catch (error) {
    if (!existsSync(target)) throw error;
  }
}

export function outputOf(error: unknown): string {
  const parts =
    error instanceof Error
      ? [field(error, 'stdout'), field(error, 'stderr'), error.message]
      : [String(error)];
  const text = parts.find((part) => part.trim() !== '') ?? 'no output';
  return text.trim().split('\n').slice(0, 5).join(' ');
}

function field(error: object, name: string): string {
  const value: unknown = Reflect.get(error, name);
  return typeof value === 'string' ? value : '';
}
