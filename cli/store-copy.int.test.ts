import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../foundation/index.ts';
import { createMutationBatch, openLevelStore, openNeo4jStore } from '../graph-store/index.ts';
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

describeWith('neo4j')('jg store copy, with Neo4j', (services) => {
  afterAll(() => removeNamespaces(services.neo4j, namespace));

  it('goes on behind what a killed copy had written, and brings the same graph there and back', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'journey-graph-copy-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const { uri, credentials } = services.neo4j;
    const login =
      credentials === null
        ? []
        : ['--neo4j.user', credentials.user, '--neo4j.password', credentials.password];
    const [here, back, file] = [
      join(folder, 'here'),
      join(folder, 'back'),
      join(folder, 'between.jgsnapshot'),
    ];
    const copy = (from: string, to: string): RunningCommand => {
      const graph = ['--neo4j.uri', uri, '--neo4j.namespace', namespace, ...login];
      const words = ['store', 'copy', '--from', from, '--to', to, '--file', file, '--json', ...graph];
      const running = new RunningCommand(process.execPath, [main, ...words], folder);
      onTestFinished(() => running.kill('SIGKILL'));
      return running;
    };
    const answerOf = async (running: RunningCommand): Promise<Answer> => {
      expect(await running.exited, running.err).toEqual({ code: 0, signal: null });
      return JSON.parse(running.out);
    };
    const digest = await fill(here);

    const killed = copy(here, 'neo4j');
    const written = async (): Promise<number> => {
      const query = 'MATCH (s:JgStore {jgKey: $key}) RETURN coalesce(s.restoringRows, 0) AS rows';
      const [row] = await ask(services.neo4j, query, { key: `${namespace}/` });
      return Number(row?.rows ?? 0);
    };
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
    const open = openNeo4jStore({ uri, credentials, namespace }, systemClock, Math.random);
    await expect(open).rejects.toMatchObject({ code: 'STORE_RESTORE_INCOMPLETE' });

    // What the source has become since is of no account: the snapshot was taken.
    rmSync(here, { recursive: true });
    const there = await answerOf(copy(here, 'neo4j'));
    expect(there).toMatchObject({ digest, resumed: true, sources: [{ next: String(rows) }] });
    expect(existsSync(file)).toBe(false);
    const store = await openNeo4jStore({ uri, credentials, namespace }, systemClock, Math.random);
    expect((await store.digest()).hex).toBe(digest);
    expect(await store.claim(source)).toEqual({ epoch: 2, next: BigInt(rows) });
    await store.close();

    expect(await answerOf(copy('neo4j', back))).toMatchObject({ digest, resumed: false });
    const returned = await openLevelStore({ folder: join(back, 'store') }, systemClock);
    expect((await returned.digest()).hex).toBe(digest);
    await returned.close();
  });
});
