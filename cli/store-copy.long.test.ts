import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it, onTestFinished } from 'vitest';
import { silentLog, systemClock } from '../foundation/index.ts';
import { CassandraConsole } from '../graph-store/cassandra-testing.ts';
import {
  createMutationBatch,
  type GraphStore,
  openCassandraStore,
  openLevelStore,
  openNeo4jStore,
} from '../graph-store/index.ts';
import { ask, removeNamespaces } from '../graph-store/neo4j-testing.ts';
import { RunningCommand } from '../test/pack/running-command.ts';
import { describeWith } from '../test/services/index.ts';

const main = join(import.meta.dirname, 'main.ts');
const namespace = `copy-${process.pid}`;
const source = { cluster: 'c', topic: 'plays', topicId: 'i', partition: 0 };
const rows = 14_000;
const withinMs = 60_000;

/** A data folder with edges, steps and deletes; answers its digest. */
async function fill(data: string): Promise<string> {
  const store = await openLevelStore({ folder: join(data, 'store') }, systemClock);
  const { epoch } = await store.claim(source);
  const batch = createMutationBatch();
  for (let i = 0; i < rows; i += 1) {
    const from = { type: 'Account', id: String(i % 50) };
    const to = { type: 'Title', id: String(i % 900) };
    batch.add({
      ...{ timeMs: 1_700_000_000_000 + i, occurrence: BigInt(i), rank: 0 },
      mutations: [
        { kind: 'edge', type: 'WATCHED', from, to, properties: [['seconds', i]] },
        ...(i % 1000 === 0 ? [{ kind: 'node-delete', node: to } as const] : []),
      ],
    });
  }
  const fates = { consumed: rows, applied: rows, superseded: 0, filtered: 0, deadLettered: 0 };
  const newestEventMs = 1_700_000_000_000 + rows;
  await store.apply({ source, epoch, from: 0n, next: BigInt(rows), fates, newestEventMs }, batch);
  const { hex } = await store.digest();
  await store.close();
  return hex;
}

interface Answer {
  readonly digest: string;
  readonly resumed: boolean;
  readonly sources: readonly { readonly next: string }[];
}

/** A shared store as the copy's target, and as its source on the way back. */
interface Target {
  readonly store: 'neo4j' | 'cassandra';
  readonly flags: readonly string[];
  /** Rows that a copy under way says it has. */
  written(): Promise<number>;
  open(): Promise<GraphStore>;
}

/** Kills a copy under way, gives the command again, and copies the graph back. */
async function goesOn({ store, flags, written, open }: Target): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'journey-graph-copy-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const [here, back, file] = [join(folder, 'here'), join(folder, 'back'), join(folder, 'between.jgsnapshot')];
  const copy = (from: string, to: string): RunningCommand => {
    const words = ['store', 'copy', '--from', from, '--to', to, '--file', file, '--json', ...flags];
    const running = new RunningCommand(process.execPath, [main, ...words], folder);
    onTestFinished(() => running.kill('SIGKILL'));
    return running;
  };
  const answerOf = async (running: RunningCommand): Promise<Answer> => {
    expect(await running.exited, running.err).toEqual({ code: 0, signal: null });
    return JSON.parse(running.out);
  };
  const digest = await fill(here);

  const killed = copy(here, store);
  const deadline = systemClock.now() + withinMs;
  while ((await written()) === 0) {
    if (systemClock.now() > deadline) throw new Error(`nothing was written:\n${killed.output}`);
  }
  killed.kill('SIGKILL');
  await killed.exited;
  const before = await written();
  expect(before).toBeGreaterThanOrEqual(2000);
  expect(before).toBeLessThan(rows);
  expect(existsSync(file)).toBe(true);
  await expect(open()).rejects.toMatchObject({ code: 'STORE_RESTORE_INCOMPLETE' });

  // What the source has become since is of no account: the snapshot was taken.
  rmSync(here, { recursive: true });
  const there = await answerOf(copy(here, store));
  expect(there).toMatchObject({ digest, resumed: true, sources: [{ next: String(rows) }] });
  expect(existsSync(file)).toBe(false);
  const opened = await open();
  expect((await opened.digest()).hex).toBe(digest);
  expect(await opened.claim(source)).toEqual({ epoch: 2, next: BigInt(rows) });
  await opened.close();

  expect(await answerOf(copy(store, back))).toMatchObject({ digest, resumed: false });
  const returned = await openLevelStore({ folder: join(back, 'store') }, systemClock);
  expect((await returned.digest()).hex).toBe(digest);
  await returned.close();
}

describeWith('neo4j')('jg store copy, with Neo4j', (services) => {
  afterAll(() => removeNamespaces(services.neo4j, namespace));

  it('goes on behind what a killed copy had written, and brings the same graph there and back', async () => {
    const { uri, credentials } = services.neo4j;
    const login =
      credentials === null
        ? []
        : ['--neo4j.user', credentials.user, '--neo4j.password', credentials.password];
    await goesOn({
      store: 'neo4j',
      flags: ['--neo4j.uri', uri, '--neo4j.namespace', namespace, ...login],
      written: async () => {
        const query = 'MATCH (s:JgStore {jgKey: $key}) RETURN coalesce(s.restoringRows, 0) AS rows';
        const [row] = await ask(services.neo4j, query, { key: `${namespace}/` });
        return Number(row?.rows ?? 0);
      },
      open: () => openNeo4jStore({ uri, credentials, namespace }, systemClock, Math.random),
    });
  });
});

describeWith('cassandra')('jg store copy, with Cassandra', (services) => {
  it('goes on behind what a killed copy had written, and brings the same graph there and back', async () => {
    const keyspace = `copy_${process.pid}`;
    const { contactPoints, dataCenter } = services.cassandra;
    await using console = new CassandraConsole(services.cassandra);
    // Made before: the copy is looked at while it runs.
    const open = (): Promise<GraphStore> =>
      openCassandraStore(
        { contactPoints, dataCenter, keyspace, replication: 1 },
        systemClock,
        Math.random,
        silentLog,
      );
    await (await open()).close();
    const place = [
      '--cassandra.contact.points',
      contactPoints.join(','),
      '--cassandra.datacenter',
      dataCenter,
    ];
    await goesOn({
      store: 'cassandra',
      flags: [...place, '--cassandra.keyspace', keyspace],
      written: async () => {
        const query = `SELECT value FROM ${keyspace}.meta WHERE part = 'graph' AND name = 'restoring'`;
        const [row] = await console.ask(query);
        return row === undefined ? 0 : JSON.parse(String(row[0])).rows;
      },
      open,
    });
    await console.drop(keyspace);
  }, 120_000);
});
