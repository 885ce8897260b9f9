import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it, onTestFinished } from 'vitest';
import { removeNamespaces } from '../../graph-store/neo4j-testing.ts';
import { createTopic } from '../../ingest/kafka-testing.ts';
import { describeWith, type TestServices } from '../services/index.ts';
import { ProductProcess, until } from './product-process.ts';
import { WatchEvents } from './watch-events.ts';

const namespace = `processes-${process.pid}`;
const topic = `processes.watched.${process.pid}`;
/** The least that a broker allows unless it is told otherwise. */
const sessionTimeoutMs = '6000';
const chunk = 1200;

interface Status {
  readonly status: {
    readonly topics: readonly {
      readonly partition: number | null;
      readonly state: string;
      readonly lag: number | null;
      readonly waitedMs: number | null;
      readonly consumed: number;
      readonly applied: number;
      readonly superseded: number;
      readonly deadLettered: number;
    }[];
  };
}

interface Journeys {
  readonly [member: string]: {
    readonly edges: readonly {
      readonly node: {
        readonly time: string;
        readonly action: string;
        readonly lineage: { readonly mappingVersion: number };
      };
    }[];
  };
}

const statusQuery =
  '{ status { topics { partition state lag waitedMs consumed applied superseded deadLettered } } }';

function wordsFor({ bootstrapServers, registryUrl, neo4j }: TestServices): readonly string[] {
  const { uri, credentials } = neo4j;
  const login =
    credentials === null ? [] : ['--neo4j.user', credentials.user, '--neo4j.password', credentials.password];
  return [
    ...['--store', 'neo4j', '--neo4j.uri', uri, '--neo4j.namespace', namespace, ...login],
    ...['--bootstrap.servers', bootstrapServers, '--schema.registry.url', registryUrl],
    ...['--topics', topic, '--group.id', namespace, '--data', 'never-made'],
    ...['--session.timeout.ms', sessionTimeoutMs, '--heartbeat.interval.ms', '500'],
    ...['--metadata.max.age.ms', '1000', '--fetch.wait.max.ms', '100'],
  ];
}

interface Processes {
  readonly folder: string;
  readonly all: readonly ProductProcess[];
  readonly start: (command: string, ...words: readonly string[]) => ProductProcess;
}

/** Started in a folder of their own, and gone when the test is. */
function processesIn(services: TestServices): Processes {
  const folder = mkdtempSync(join(tmpdir(), 'journey-graph-processes-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const all: ProductProcess[] = [];
  const start = (command: string, ...words: readonly string[]): ProductProcess => {
    const started = new ProductProcess(command, folder, [...wordsFor(services), ...words]);
    onTestFinished(() => started.kill('SIGKILL'));
    all.push(started);
    return started;
  };
  return { folder, all, start };
}

async function assignedTo(process: ProductProcess): Promise<number> {
  return (await process.metrics()).get(`journey_graph_assigned_partitions{topic="${topic}"}`) ?? 0;
}

async function isReady(process: ProductProcess): Promise<boolean> {
  return (await process.get('/readyz')).status === 200;
}

async function journeys(api: ProductProcess, members: readonly string[]): Promise<Journeys> {
  const fields = members.map(
    (
      member,
    ) => `${member}: journey(of: {type: "Member", id: "${member}"}, first: 250, since: "2026-01-01T00:00:00Z", order: OLDEST_FIRST) {
      edges { node { time action lineage { mappingVersion } } } }`,
  );
  return await api.query<Journeys>(`{ ${fields.join('\n')} }`);
}

describeWith(
  'kafka',
  'registry',
  'neo4j',
)('Processes that share a graph', (services) => {
  afterAll(() => removeNamespaces(services.neo4j, namespace));

  it('lose and repeat nothing while they come and go, partitions are added and a new mapping rolls through them', async () => {
    const { folder, all, start } = processesIn(services);
    const events = new WatchEvents(topic, services.bootstrapServers, services.registryUrl);
    onTestFinished(() => events.close());
    await createTopic(services.bootstrapServers, topic, 4);
    await events.register(1);

    const [first, second, api] = [start('ingest'), start('ingest', '--schema.poll.interval.ms', '500'), start('api')]; // biome-ignore format: one row
    const status = async (): Promise<Status['status']['topics']> =>
      (await api.query<Status>(statusQuery)).status.topics;
    const consumed = async (): Promise<number> =>
      (await status()).reduce((sum, row) => sum + Number(row.consumed), 0);
    await until('each reads two partitions', all, async () => {
      const counts = [await assignedTo(first), await assignedTo(second)];
      return counts.every((count) => count === 2);
    });
    await until('both are ready', all, async () => (await isReady(first)) && (await isReady(second)));

    await events.publish(chunk, 4);
    await until('it is under way', all, async () => (await consumed()) > 0);
    first.kill('SIGKILL');
    const third = start('ingest', '--schema.poll.interval.ms', '3600000');
    await events.publish(chunk, 4);
    await until('the two that live read two partitions each', all, async () => {
      const counts = [await assignedTo(second), await assignedTo(third)];
      return counts.every((count) => count === 2);
    });

    // The third has looked for mappings and will not look again: it goes by the old one.
    await until('the third knows its mapping', all, () => isReady(third));
    await events.register(2);
    await events.addPartitions(6);
    await until('the new partitions are shared out', all, async () => {
      const counts = [await assignedTo(second), await assignedTo(third)];
      return counts.every((count) => count === 3);
    });
    await events.publish(chunk, 6);
    await until('both mappings have been used', all, async () => (await consumed()) >= events.count);
    await events.publish(chunk, 6);
    second.kill('SIGTERM');
    expect(await second.exited).toEqual({ code: 0, signal: null });
    await until('everything was applied', all, async () => (await consumed()) >= events.count);
    await until('no lag is left', all, async () =>
      (await status()).every((row) => Number(row.lag) === 0 && row.waitedMs === 0),
    );

    const rows = await status();
    expect(rows.map(({ partition, state }) => [partition, state])).toEqual(
      [0, 1, 2, 3, 4, 5].map((partition) => [partition, 'ELSEWHERE']),
    );
    const total = (of: 'consumed' | 'applied' | 'superseded' | 'deadLettered'): number =>
      rows.reduce((sum, row) => sum + Number(row[of]), 0);
    expect([total('consumed'), total('applied'), total('superseded'), total('deadLettered')]).toEqual([
      events.count,
      events.count,
      0,
      0,
    ]);
    const versions = new Set<number>();
    for (let at = 0; at < events.members.length; at += 2) {
      const answer = await journeys(api, events.members.slice(at, at + 2));
      for (const [member, { edges }] of Object.entries(answer)) {
        expect(edges.map(({ node }) => new Date(node.time).toISOString())).toEqual(events.timesOf(member));
        for (const { node } of edges) {
          const { mappingVersion: version } = node.lineage;
          versions.add(version);
          // Whichever read it, it read all of it.
          expect(node.action).toBe(`watched, by mapping ${version}`);
        }
      }
    }
    expect([...versions].sort()).toEqual([1, 2]);
    // Looked at now and then, as the lag is.
    await until('the metrics know that no lag is left', all, async () => {
      const seen = await third.metrics();
      return seen.get(`journey_graph_lag_records{topic="${topic}"}`) === 0;
    });
    const metrics = await third.metrics();
    expect(metrics.get(`journey_graph_lag_seconds{topic="${topic}"}`)).toBe(0);
    expect(metrics.get(`journey_graph_assigned_partitions{topic="${topic}"}`)).toBe(6);
    // Whatever the setting `data` says.
    expect(readdirSync(folder)).toEqual([]);
  });

  it('leave what one alone can keep to that one, where gateways and callers find it', async () => {
    const { folder, all, start } = processesIn(services);
    const kept = join(folder, 'kept');
    const [keeper, plain] = [start('api', '--keeps', '--data', kept), start('api')];
    await until('both are ready', all, async () => (await isReady(keeper)) && (await isReady(plain)));
    const question = '{ audiences { id } }';
    expect(await keeper.query(question)).toEqual({ audiences: [] });
    expect(await keeper.query('{ liveEvents { id } }')).toEqual({ liveEvents: [] });
    expect((await keeper.get('/dead-letters/list')).status).toBe(200);
    expect(await plain.answer(question)).toMatchObject({
      errors: [{ extensions: { code: 'AUDIENCES_OFF' } }],
    });
    expect(JSON.stringify(await plain.answer('{ liveEvents { id } }'))).toContain('Cannot query field');
    expect((await plain.get('/dead-letters/list')).status).toBe(404);

    const router = `${(await keeper.url()).replace('http', 'ws')}/live/gateway`;
    const gateway = start('gateway', '--router', router, '--listen', '127.0.0.1:0', '--data', kept);
    await gateway.printed(/^connected · sockets 0/m);
    for (const one of all.toReversed()) {
      one.kill('SIGTERM');
      expect(await one.exited, one.output).toEqual({ code: 0, signal: null });
    }
    expect(readdirSync(folder)).toEqual(['kept']);
  });
});
