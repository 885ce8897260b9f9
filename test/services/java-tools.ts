import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import type { TestEnvironment } from './environment.ts';

const run = promisify(execFile);
const javaMajorMin = 17;

/** Full paths of the programs that the services are run with. */
export interface JavaTools {
  readonly java: string;
  readonly keytool: string;
  readonly maven: string;
}

export type JavaToolsAnswer =
  | { readonly found: true; readonly tools: JavaTools }
  | { readonly found: false; readonly lacking: string };

/** Looks for Java 17 or later (`JAVA_HOME` first, then `PATH`) and Maven (`PATH`). */
export async function findJavaTools(environment: TestEnvironment): Promise<JavaToolsAnswer> {
  const folders = environment.searchPath.split(delimiter).filter((folder) => folder !== '');
  const javaFolders =
    environment.javaHome === null ? folders : [join(environment.javaHome, 'bin'), ...folders];
  const java = findExecutable('java', javaFolders);
  const keytool = findExecutable('keytool', javaFolders);
  const maven = findExecutable('mvn', folders);
  if (java === null || keytool === null)
    return { found: false, lacking: `Java ${javaMajorMin} (no java on PATH or in JAVA_HOME)` };
  if (maven === null) return { found: false, lacking: 'Maven (no mvn on PATH)' };
  const major = await javaMajor(java);
  if (major === null || major < javaMajorMin) {
    return {
      found: false,
      lacking: `Java ${javaMajorMin} (${java} is ${major === null ? 'unusable' : `version ${major}`})`,
    };
  }
  return { found: true, tools: { java, keytool, maven } };
}

export function findExecutable(name: string, folders: readonly string[]): string | null {
  for (const folder of folders) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this folder.
    }
  }
  return null;
}

async function javaMajor(java: string): Promise<number | null> {
  try {
    const { stderr } = await run(java, ['-version'], { timeout: 10_000 });
    const match = /version "(?:1\.)?(\d+)/.exec(stderr);
    return match?.[1] === undefined ? null : Number(match[1]);
  } catch {
    // A java that cannot tell its version cannot run a broker either.
    return null;
  }
}
