import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { images } from './images.ts';
import { serviceNames } from './service.ts';

const root = join(import.meta.dirname, '..', '..');

interface ComposeService {
  readonly image: string;
  readonly build?: string;
  readonly profiles: readonly string[];
  readonly healthcheck?: object;
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  /** `no` of what ends when its work is done. */
  readonly restart?: string;
  readonly command?: readonly string[];
  readonly deploy?: { readonly replicas: number };
}

async function composeServices(): Promise<Readonly<Record<string, ComposeService>>> {
  const file: { services: Record<string, ComposeService> } = parse(
    await readFile(join(root, 'docker-compose.yml'), 'utf8'),
    { merge: true },
  );
  return file.services;
}

async function pomVersions(name: string): Promise<readonly (string | undefined)[]> {
  const pom = await readFile(join(import.meta.dirname, 'poms', `${name}.xml`), 'utf8');
  return [...pom.matchAll(/<version>([^<]+)<\/version>/g)].map((match) => match[1]);
}

describe('the versions of the services', () => {
  it.each(serviceNames)(
    'are the same for %s in docker-compose.yml and in the containers of the tests',
    async (name) => {
      expect((await composeServices())[name]?.image).toBe(images[name]);
    },
  );

  it.each(serviceNames)('are the same for %s in its pom and its image', async (name) => {
    const tag = images[name].split(':')[1]?.replace('-community', '') ?? 'no tag';
    const versions = await pomVersions(name);
    expect(versions.some((version) => version === tag || version?.startsWith(`${tag}.`))).toBe(true);
  });
});

describe('docker-compose.yml', () => {
  it('checks the health of each service, unless the product’s own image does', async () => {
    const services = Object.entries(await composeServices());
    const unchecked = services.filter(
      ([, { healthcheck, build, restart }]) =>
        healthcheck === undefined && build === undefined && restart !== 'no',
    );
    expect(services.length).toBeGreaterThan(3);
    expect(unchecked).toEqual([]);
    expect(await readFile(join(root, 'Dockerfile'), 'utf8')).toContain('HEALTHCHECK');
  });

  it('starts the product only when what it needs is healthy and in the same profile', async () => {
    const services = await composeServices();
    const product = services['journey-graph'];
    const needs = Object.entries(product?.depends_on ?? {});
    expect(needs.map(([name]) => name)).toEqual(['kafka', 'registry']);
    for (const [name, { condition }] of needs) {
      expect(condition).toBe('service_healthy');
      expect(services[name]?.profiles).toEqual(expect.arrayContaining([...(product?.profiles ?? ['none'])]));
    }
  });

  it('binds every port to the loopback interface and takes its number from a variable', async () => {
    const ports = Object.values(await composeServices()).flatMap((service) => service.ports ?? []);
    expect(ports.length).toBeGreaterThan(3);
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\$\{[A-Z0-9_]+:-\d+(-\d+)?\}:\d+$/);
  });

  it('has in its profile scale three brokers, three nodes of the store and three of each process but the one that keeps', async () => {
    const scale = Object.entries(await composeServices()).filter(([, { profiles }]) =>
      profiles.includes('scale'),
    );
    const named = (prefix: string): number => scale.filter(([name]) => name.startsWith(prefix)).length;
    expect([named('kafka-'), named('cassandra-')]).toEqual([3, 3]);
    const replicas = scale.flatMap(([name, { deploy }]) =>
      deploy === undefined ? [] : [[name, deploy.replicas]],
    );
    expect(Object.fromEntries(replicas)).toEqual({ ingest: 3, api: 3, keeper: 1, gateway: 3 });
  });

  it('starts nothing before what it needs, all of it in the same profile', async () => {
    const services = await composeServices();
    const needs = Object.entries(services).flatMap(([name, { profiles, depends_on = {} }]) =>
      Object.entries(depends_on).map(([needed, { condition }]) => ({ name, profiles, needed, condition })),
    );
    expect(needs.length).toBeGreaterThan(15);
    for (const { profiles, needed, condition } of needs) {
      const service = services[needed];
      expect(service?.profiles).toEqual(expect.arrayContaining([...profiles]));
      expect(condition).toBe(
        service?.restart === 'no' ? 'service_completed_successfully' : 'service_healthy',
      );
    }
  });

  it('declares every volume that it names', async () => {
    const services = Object.values(await composeServices());
    const file: { volumes: object } = parse(await readFile(join(root, 'docker-compose.yml'), 'utf8'));
    const named = services.flatMap(({ volumes = [] }) => volumes.map((volume) => volume.split(':')[0]));
    expect([...new Set(named)].sort()).toEqual(Object.keys(file.volumes).sort());
  });
});
