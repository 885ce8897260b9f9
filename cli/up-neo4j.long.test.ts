import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it, onTestFinished } from 'vitest';
import { removeNamespaces } from '../graph-store/neo4j-testing.ts';
import { RunningCommand } from '../test/pack/running-command.ts';
import { describeWith } from '../test/services/index.ts';
import { askGraphql } from './graphql-client.ts';

const main = join(import.meta.dirname, 'main.ts');
const namespace = `up-${process.pid}`;

const question = `{
  journey(of: {type: "Account", id: "acc-000001"}, first: 100) { edges { node { time } } }
  status { topics { position } }
}`;

interface Seen {
  readonly journey: { readonly edges: readonly unknown[] };
  readonly status: { readonly topics: readonly { readonly position: string }[] };
}

describeWith('neo4j')('jg up --store neo4j', (services) => {
  afterAll(() => removeNamespaces(services.neo4j, namespace));

  const start = (data: string, ...words: string[]): RunningCommand => {
    const { uri, credentials } = services.neo4j;
    const login = credentials === null ? [] : ['--neo4j.user', credentials.user, '--neo4j.password', credentials.password]; // biome-ignore format: one row
    const graph = ['--store', 'neo4j', '--neo4j.uri', uri, '--neo4j.namespace', namespace, ...login];
    const command = [main, 'up', '--port', '0', '--data', data, ...graph, ...words];
    const running = new RunningCommand(process.execPath, command, tmpdir());
    onTestFinished(() => running.kill('SIGKILL'));
    return running;
  };
  const ask = async (running: RunningCommand): Promise<Seen> => {
    const [, url = ''] = await running.printed(/(http:\/\/127\.0\.0\.1:\d+)\/\n/);
    const { data } = await askGraphql({ url, token: null }, question, {});
    return JSON.parse(JSON.stringify(data));
  };
  const readIn = ({ status }: Seen): number =>
    status.topics.reduce((sum, { position }) => sum + Number(position), 0);

  it('keeps the graph in Neo4j, and goes on there at the next start', async () => {
    const data = mkdtempSync(join(tmpdir(), 'journey-graph-up-'));
    onTestFinished(() => rmSync(data, { recursive: true, force: true }));
    const first = start(data);
    await first.printed(new RegExp(`graph in +Neo4j at bolt://.*, namespace ${namespace}\n`));
    // What members did before, in other words: by then the demo's history has been applied.
    await first.printed(/fresh \d+ ms/);
    const before = await ask(first);
    first.kill('SIGINT');
    expect(await first.exited).toEqual({ code: 0, signal: null });
    expect(before.journey.edges.length).toBeGreaterThanOrEqual(10);

    const second = start(data, '--demo', 'off');
    await second.printed(/events\/s · /);
    const after = await ask(second);
    second.kill('SIGINT');
    expect(await second.exited).toEqual({ code: 0, signal: null });
    expect(after.journey.edges.length).toBeGreaterThanOrEqual(before.journey.edges.length);
    expect(readIn(after)).toBeGreaterThanOrEqual(readIn(before));
  });
});
