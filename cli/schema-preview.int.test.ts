import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Partitioners } from 'kafkajs';
import { beforeAll, expect, it, vi } from 'vitest';
import { systemClock } from '../foundation/index.ts';
import { createTopic, plainKafka, produce } from '../ingest/kafka-testing.ts';
import { ConfluentRegistry, EventEncoder } from '../schemas/index.ts';
import { describeWith } from '../test/services/index.ts';
import { fakeIo } from './command-io.fake.ts';
import { runProgram } from './program.ts';

const topic = 'preview.rides';
const subject = `${topic}-value`;
const atMs = Date.UTC(2026, 5, 1);
const partitions = 2;

/** What the service publishes, in its first version; a mapping stands beside it. */
const written = {
  type: 'record',
  name: 'Ride',
  fields: [
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'rider', type: 'string' },
    { name: 'city', type: ['null', 'string'], default: null },
    { name: 'metres', type: 'int' },
  ],
};

function graph(properties: object, where?: string): object {
  return {
    domain: 'mobility',
    time: 'at',
    ...(where === undefined ? {} : { where }),
    nodes: [{ type: 'Rider', id: 'rider', properties }],
    journey: { owner: 'Rider', action: 'rode' },
  };
}

interface Ride {
  readonly metres?: number;
  readonly rider?: string;
}

/** Forty rides, a tombstone, what is no event, rides of two transactions that were aborted and of a committed one. */
async function publish(bootstrapServers: string, registryUrl: string): Promise<void> {
  const registry = new ConfluentRegistry({ url: registryUrl });
  const { schema } = await registry.register(subject, JSON.stringify(written));
  const mapped = { ...written, graph: graph({ city: 'city', metres: 'metres' }) };
  await registry.register(`${subject}.graph`, JSON.stringify(mapped));
  await registry.close();
  const encoder = new EventEncoder(schema.id, schema.text);
  const ride = (number: number, { metres = number, rider = `r-${number}` }: Ride = {}): Buffer =>
    encoder.encode({ at: atMs + number, rider, city: number % 2 === 0 ? 'Oslo' : null, metres });
  await produce(bootstrapServers, topic, [
    ...Array.from({ length: 40 }, (_, number) => ({
      value: ride(number),
      partition: number % partitions,
      timestamp: String(atMs + number),
    })),
    { value: null, partition: 0, timestamp: String(atMs + 40) },
    { value: 'no event', partition: 1, timestamp: String(atMs + 41) },
  ]);
  const producer = plainKafka(bootstrapServers).producer({
    createPartitioner: Partitioners.DefaultPartitioner,
    transactionalId: topic,
    idempotent: true,
    maxInFlightRequests: 1,
  });
  await producer.connect();
  for (const end of ['abort', 'abort', 'commit'] as const) {
    const transaction = await producer.transaction();
    const messages = [{ value: ride(50, { rider: `${end}ed` }), partition: 0 }];
    await transaction.send({ topic, messages });
    await transaction[end]();
  }
  await producer.disconnect();
}

describeWith('kafka', 'registry')('a preview of real events', (services) => {
  let folder: string;

  async function file(name: string, properties: object, where?: string): Promise<string> {
    const path = join(folder, name);
    await writeFile(path, JSON.stringify({ ...written, graph: graph(properties, where) }));
    return path;
  }

  async function run(...commandLine: readonly string[]) {
    const io = fakeIo({ clock: systemClock });
    const { bootstrapServers, registryUrl } = services;
    const access = ['--schema.registry.url', registryUrl, '--bootstrap-server', bootstrapServers];
    const code = await runProgram(['schema', ...commandLine, ...access], io);
    return { code, ...io.written };
  }

  async function groups(): Promise<readonly string[]> {
    const admin = plainKafka(services.bootstrapServers).admin();
    await admin.connect();
    const { groups: found } = await admin.listGroups();
    await admin.disconnect();
    return found.map(({ groupId }) => groupId);
  }

  beforeAll(async () => {
    for (const name of Object.keys(process.env)) {
      if (/^(JG|KAFKA|SCHEMA_REGISTRY)_/.test(name)) vi.stubEnv(name, undefined);
    }
    folder = await mkdtemp(join(tmpdir(), 'journey-graph-preview-'));
    const { bootstrapServers, registryUrl } = services;
    await createTopic(bootstrapServers, topic, partitions);
    await publish(bootstrapServers, registryUrl);
    return async () => {
      vi.unstubAllEnvs();
      await rm(folder, { recursive: true, force: true });
    };
  });

  it('finds the version in force, counts fates and mutations, and leaves nothing behind in the broker', async () => {
    const before = await groups();
    const same = await file('same.avsc', { city: 'city', metres: 'metres' });
    const { code, out, err } = await run('preview', same, '--topic', topic, '--json');
    expect(err).toBe('');
    const report = JSON.parse(out);
    expect(report).toMatchObject({
      before: `${subject}.graph version 1`,
      samples: 43,
      losses: [],
      graph: [],
    });
    expect(report.fates).toEqual([
      { fate: 'applied', code: '', before: 41, after: 41 },
      { fate: 'filtered', code: '', before: 1, after: 1 },
      { fate: 'dead letter', code: 'FRAMING_MAGIC_BYTE', before: 1, after: 1 },
    ]);
    const cities = report.mutations.find(({ name }: { name: string }) => name === 'Rider .city');
    expect(cities).toMatchObject({ before: 21, after: 21, changesValue: 0 });
    expect(out).not.toContain('aborted');
    expect(code).toBe(0);
    expect(await groups()).toEqual(before);
  });

  it('refuses a loss with an example by its offset, and takes it when told to', async () => {
    const less = await file('less.avsc', { metres: { cel: 'string(metres)' } }, 'metres != 7');
    const { code, out, err } = await run('preview', less, '--topic', topic);
    expect(code).toBe(5);
    expect(err).toContain('PREVIEW_LOSS');
    expect(out).toContain(`1 event would be filtered that is applied now, such as ${topic}/1/3`);
    expect(out).toContain('no node Rider .city is left of 21');
    expect(out).toMatch(/node {2}Rider \.metres +41 +40 +1 +40 {2}kind/);
    expect(out).toMatch(/no longer read: city/);
    expect((await run('preview', less, '--topic', topic, '--accept-loss')).code).toBe(0);
  });

  it('registers nothing that loses something', async () => {
    const less = await file('less.avsc', {});
    const refused = await run('register', less, '--subject', `${subject}.graph`, '--topic', topic);
    expect(refused).toMatchObject({ code: 5, err: expect.stringContaining('Nothing was registered.') });
    const registry = new ConfluentRegistry({ url: services.registryUrl });
    expect(await registry.versions(`${subject}.graph`)).toHaveLength(1);
    await registry.close();
  });

  it('check says that a reader schema cannot read what the service publishes', async () => {
    const path = join(folder, 'unread.avsc');
    const fields = [...written.fields, { name: 'toll', type: 'int' }];
    await writeFile(path, JSON.stringify({ ...written, fields, graph: graph({}) }));
    const { registryUrl } = services;
    const io = fakeIo({ clock: systemClock });
    const flags = ['--subject', `${subject}.graph`, '--schema.registry.url', registryUrl];
    expect(await runProgram(['schema', 'check', path, ...flags], io)).toBe(2);
    expect(io.written.out).toMatch(
      /unread\.avsc:1:\d+: toll: was not written and has no default \(events of preview\.rides-value version 1 could not be read with this schema\)/,
    );
  });

  it('begins at the newest, at an offset, or at a time, and stops at the limit', async () => {
    const same = await file('same.avsc', { city: 'city', metres: 'metres' });
    const samples = async (...options: readonly string[]): Promise<unknown> => {
      const { out, err } = await run('preview', same, '--topic', topic, '--json', ...options);
      return out === '' ? err : JSON.parse(out).samples;
    };
    expect(await samples('--limit', '10', '--from', 'earliest')).toBe(10);
    expect(await samples('--from', '15')).toBe(13);
    const from = new Date(atMs + 30).toISOString();
    expect(await samples('--from', from)).toBe(13);
    expect(await samples('--from', '2099-01-01T00:00:00Z')).toContain('NO_SAMPLES');
  });

  it('says that a topic is not there', async () => {
    const same = await file('same.avsc', { city: 'city', metres: 'metres' });
    const subjectFlag = ['--subject', subject];
    const { code, err } = await run('preview', same, '--topic', 'preview.nowhere', ...subjectFlag);
    expect(err).toContain('KAFKA_UNKNOWN_TOPIC');
    expect(err).toContain('Create it, or check its name.');
    expect(err).not.toContain('waited for');
    expect(code).toBe(1);
  });
});
