import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { must, systemClock } from '../foundation/index.ts';
import {
  type CassandraNode,
  describeWith,
  makeClientIdentity,
  startCassandra,
  startTimeoutMs,
} from '../test/services/index.ts';
import type { CassandraSettings, CassandraTls } from './cassandra-settings.ts';
import { openCassandraStore } from './cassandra-store.ts';
import { CassandraConsole } from './cassandra-testing.ts';
import { pack } from './conformance-graphs.ts';
import { advance, ann, dark, event, hop, named, source, watched } from './conformance-subject.ts';
import type { GraphStore } from './graph-store.ts';

const keyspace = 'journey_graph';
const dataCenter = 'datacenter1';
const superuser = { user: 'cassandra', password: 'cassandra' };
const role = { user: 'journey_graph', password: 'correct-horse' };
const reader = { user: 'reader', password: 'only-looks' };

/** A node of its own, which lets in by password, goes by grants, speaks TLS, and is stopped. */
describeWith('java')('A Cassandra node that does not let everybody in', () => {
  let node: CassandraNode | null = null;
  let stores: GraphStore[] = [];
  const contactPoints = (): string[] => [must(node, 'the suite has begun').contactPoint];

  beforeAll(async () => {
    node = await startCassandra({ secured: true, heapMiB: 512 });
    await using console = new CassandraConsole({ contactPoints: contactPoints(), dataCenter }, superuser);
    // As docs/cassandra.md has it.
    await console.ask(
      `CREATE KEYSPACE ${keyspace} WITH replication = {'class': 'NetworkTopologyStrategy', '${dataCenter}': 1}`,
    );
    for (const { user, password } of [role, reader]) {
      await console.ask(`CREATE ROLE ${user} WITH PASSWORD = '${password}' AND LOGIN = true`);
      await console.ask(`GRANT SELECT ON KEYSPACE ${keyspace} TO ${user}`);
    }
    await console.ask(`GRANT MODIFY ON KEYSPACE ${keyspace} TO ${role.user}`);
  }, startTimeoutMs);
  afterEach(async () => {
    await Promise.all(stores.splice(0).map((store) => store.close()));
  });
  afterAll(() => node?.dispose());

  const open = async (changes: Partial<CassandraSettings>): Promise<GraphStore> => {
    const settings = {
      contactPoints: contactPoints(),
      dataCenter,
      keyspace,
      requestTimeoutMs: 5_000,
      ...changes,
    };
    const store = await openCassandraStore(settings, systemClock, () => 0.5);
    stores = [...stores, store];
    return store;
  };
  const forbidden = { code: 'STORE_FORBIDDEN', reaction: 'stop' };

  describe('with passwords and grants', () => {
    it('refuses who has none, or a wrong one, and does not repeat it', async () => {
      await expect(open({})).rejects.toMatchObject(forbidden);
      const wrong = open({ credentials: { user: role.user, password: 'hunter2' } });
      await expect(wrong).rejects.toMatchObject(forbidden);
      await expect(wrong).rejects.not.toThrow(/hunter2/);
    });
    it('takes a role that may make tables once, and then reads and writes without', async () => {
      await expect(open({ credentials: role })).rejects.toMatchObject(forbidden);
      await using console = new CassandraConsole({ contactPoints: contactPoints(), dataCenter }, superuser);
      await console.ask(`GRANT CREATE ON KEYSPACE ${keyspace} TO ${role.user}`);
      await open({ credentials: role });
      await console.ask(`REVOKE CREATE ON KEYSPACE ${keyspace} FROM ${role.user}`);
      const store = await open({ credentials: role });
      await store.apply(
        advance(await store.claim(source), 0, 1),
        pack([event(1, [named('a'), watched(dark)])]),
      );
      expect((await store.adjacency(hop(ann, 'out'))).occurrences).toHaveLength(1);
    });
    it('lets a role that may only look read, and write nothing', async () => {
      const store = await open({ credentials: reader });
      expect((await store.node(ann))?.properties).toHaveLength(1);
      await expect(store.claim(source)).rejects.toMatchObject(forbidden);
    });
  });

  describe('with TLS', () => {
    const tls = (changes: Partial<CassandraTls> = {}): CassandraTls => {
      const { authority, client } = must(node, 'the suite has begun');
      const { certificate, key } = must(client, 'it asks for a certificate');
      return { certificateAuthority: authority, certificate, key, ...changes };
    };

    it('reads over an encrypted connection, with a certificate of its own where one is asked for', async () => {
      const store = await open({ credentials: role, tls: tls() });
      expect((await store.node(ann))?.properties).toHaveLength(1);
    });
    it('is not let in without a certificate, nor with one of somebody else', async () => {
      const none = open({ credentials: role, tls: tls({ certificate: null, key: null }) });
      await expect(none).rejects.toMatchObject({ code: 'STORE_OPEN_FAILED' });
      const stranger = await makeClientIdentity(must(node, 'the suite has begun').home, 'stranger');
      const refused = open({ credentials: role, tls: tls(stranger) });
      await expect(refused).rejects.toMatchObject({ code: 'STORE_OPEN_FAILED' });
      await expect(refused).rejects.not.toThrow(/PRIVATE KEY/);
    });
    it('trusts no certificate that nobody vouches for', async () => {
      const untrusted = open({ credentials: role, tls: tls({ certificateAuthority: null }) });
      await expect(untrusted).rejects.toMatchObject({ code: 'STORE_OPEN_FAILED' });
    });
  });

  describe('when it does not answer', () => {
    it('is an outage of reads and writes, and goes on where it was', async () => {
      const store = await open({ credentials: role, requestTimeoutMs: 600 });
      const first = await store.claim(source);
      const next = Number(first.next ?? 0n);
      const pid = must(node, 'the suite has begun').pid;
      process.kill(pid, 'SIGSTOP');
      try {
        const [write, behind, read] = await Promise.allSettled([
          store.apply(advance(first, next, next + 1), pack([event(9, [named('late')])])),
          store.apply(advance(first, next + 1, next + 2), pack([event(10, [named('gap')])])),
          store.node(ann),
        ]);
        expect(write).toMatchObject({ reason: { reaction: 'outage', code: 'STORE_WRITE_FAILED' } });
        expect(behind).toMatchObject({ reason: { reaction: 'outage' } });
        expect(read).toMatchObject({ reason: { reaction: 'outage', code: 'STORE_READ_FAILED' } });
      } finally {
        process.kill(pid, 'SIGCONT');
      }
      const again = await claimedAgain(store);
      expect(again.next).toBe(BigInt(next));
      await store.apply(advance(again, next, next + 1), pack([event(9, [named('late')])]));
      expect((await store.node(ann))?.properties).toEqual([{ name: 'name', value: 'late', timeMs: 9 }]);
    });
  });
});

/** As a pipeline does: again, until the node answers. */
async function claimedAgain(store: GraphStore): ReturnType<GraphStore['claim']> {
  for (let attempts = 0; ; attempts += 1) {
    try {
      return await store.claim(source);
    } catch (error) {
      if (attempts >= 20) throw error;
    }
  }
}
