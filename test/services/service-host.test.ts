import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readTestEnvironment, type TestEnvironment } from './environment.ts';
import { ServiceHost } from './service-host.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'journey-graph-tools-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** An environment with nothing but what the test puts into its one folder. */
function environment(more: Record<string, string> = {}): TestEnvironment {
  return readTestEnvironment({ PATH: folder, DOCKER_HOST: 'unix:///nonexistent/docker.sock', ...more });
}

function install(name: string, script: string): void {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
}

describe('where services come from', () => {
  it('is nowhere without Docker, Java and addresses, and each reason names what would help', async () => {
    const { provisions } = await ServiceHost.create(environment());
    expect(provisions.kafka).toEqual({
      kind: 'lacking',
      reason:
        'needs Java 17 (no java on PATH or in JAVA_HOME), or a Docker engine, or KAFKA_BOOTSTRAP_SERVERS',
    });
    expect(provisions.java.kind).toBe('lacking');
    expect(provisions.python.kind).toBe('lacking');
  });

  it('is the environment first, even where nothing else is', async () => {
    const { provisions } = await ServiceHost.create(
      environment({ KAFKA_BOOTSTRAP_SERVERS: 'kafka.example:9092' }),
    );
    expect(provisions.kafka).toEqual({ kind: 'environment', address: 'kafka.example:9092' });
    expect(provisions.registry.kind).toBe('lacking');
  });

  it('is this machine when Java 17 and Maven are there', async () => {
    install('java', 'echo \'openjdk version "17.0.1" 2021-10-19\' >&2');
    install('keytool', '');
    install('mvn', '');
    const { provisions } = await ServiceHost.create(environment());
    expect([provisions.kafka.kind, provisions.java.kind]).toEqual(['local', 'local']);
  });

  it.each([
    ['an old Java', 'echo \'java version "1.8.0_292"\' >&2', 'is version 8'],
    ['a Java that does not run', 'exit 1', 'is unusable'],
  ])('is not this machine with %s', async (_name, script, reason) => {
    install('java', script);
    install('keytool', '');
    install('mvn', '');
    const { provisions } = await ServiceHost.create(environment());
    expect(provisions.java).toEqual({ kind: 'lacking', reason: expect.stringContaining(reason) });
  });

  it('names Maven when only Maven is missing', async () => {
    install('java', 'echo \'openjdk version "21.0.1"\' >&2');
    install('keytool', '');
    const { provisions } = await ServiceHost.create(environment());
    expect(provisions.java).toEqual({ kind: 'lacking', reason: 'needs Maven (no mvn on PATH)' });
  });

  it('refuses an address from the environment at which nobody answers, naming the variable', async () => {
    const host = await ServiceHost.create(
      environment({ SCHEMA_REGISTRY_URL: 'http://127.0.0.1:1/apis/ccompat/v7' }),
    );
    await expect(host.need('registry')).rejects.toThrow(
      'SCHEMA_REGISTRY_URL is http://127.0.0.1:1/apis/ccompat/v7',
    );
  });
});
