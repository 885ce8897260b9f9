import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from './free-port.ts';
import { GuardedProcess } from './guarded-process.ts';
import type { JavaTools } from './java-tools.ts';
import { fetchPackage } from './packages.ts';

const readyTimeoutMs = 90_000;
const requestTimeoutMs = 3_000;

/** A registry of our own with Confluent's API (Apicurio). Its state is in memory: a restart forgets all schemas. */
export interface Registry {
  /** Base of Confluent's API, without a slash at the end. */
  readonly url: string;
  readonly pid: number;
  stop(): Promise<void>;
  kill(): Promise<void>;
  /** Starts it again on the same port, empty. */
  start(): Promise<void>;
  dispose(): Promise<void>;
}

/** @throws {ServiceError} when it cannot be downloaded or does not come up. */
export async function startRegistryWith(tools: JavaTools, cacheDirectory: string): Promise<Registry> {
  const files = await fetchPackage('registry', tools, cacheDirectory);
  const [port = 0] = await freePorts(1);
  const directory = await mkdtemp(join(tmpdir(), 'journey-graph-registry-'));
  const url = `http://127.0.0.1:${port}/apis/ccompat/v7`;
  const launch = (): GuardedProcess =>
    GuardedProcess.start({
      title: 'The registry',
      file: tools.java,
      args: [
        '-Xmx256m',
        '-Dquarkus.http.host=127.0.0.1',
        `-Dquarkus.http.port=${port}`,
        '-Dquarkus.log.level=WARN',
        '-jar',
        join(files, 'apicurio-registry-app-2.5.11.Final-runner.jar'),
      ],
      temporaryDirectory: directory,
      logFile: join(directory, 'registry.log'),
    });
  let process = launch();
  const ready = (): Promise<void> => process.ready(() => answersSubjects(url), readyTimeoutMs);
  const dispose = async (): Promise<void> => {
    await process.kill();
    await rm(directory, { recursive: true, force: true });
  };
  try {
    await ready();
  } catch (error) {
    await dispose();
    throw error;
  }
  return {
    url,
    get pid() {
      return process.pid;
    },
    stop: () => process.stop(),
    kill: () => process.kill(),
    start: async () => {
      if (process.running) return;
      process = launch();
      await ready();
    },
    dispose,
  };
}

export async function answersSubjects(url: string): Promise<boolean> {
  const response = await fetch(`${url}/subjects`, { signal: AbortSignal.timeout(requestTimeoutMs) });
  return response.ok && Array.isArray(await response.json());
}
