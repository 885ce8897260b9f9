import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../foundation/index.ts';
import { fakeIo } from './command-io.fake.ts';
import { runProgram } from './program.ts';

function text(graph: object): string {
  const at = { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } };
  const fields = [at, { name: 'rider', type: 'string' }, { name: 'city', type: ['null', 'string'] }];
  return JSON.stringify({ type: 'record', name: 'Ride', namespace: 'com.example', fields, graph });
}

const good = { domain: 'mobility', time: 'at', nodes: [{ type: 'Rider', id: 'rider' }] };

/** What a registry answers about a subject with these versions. */
async function serve(subject: string, texts: readonly string[]): Promise<string> {
  const path = `/subjects/${subject}/versions`;
  const server = createServer(({ url }, response) => {
    const name = url?.startsWith(`${path}/`) === true ? url.slice(path.length + 1) : null;
    const version = name === 'latest' ? texts.length : Number(name);
    const schema = name === null ? undefined : texts[version - 1];
    if (url !== path && schema === undefined) {
      response.writeHead(404).end(JSON.stringify({ error_code: 40_401, message: 'Subject not found.' }));
      return;
    }
    const numbers = texts.map((_text, index) => index + 1);
    response.end(JSON.stringify(url === path ? numbers : { subject, version, id: version, schema }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const address = server.address();
  return typeof address === 'object' && address !== null ? `http://127.0.0.1:${address.port}` : '';
}

it('compares with the newest version that compiles, and says that the newest one does not', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'journey-graph-preview-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, 'ride.avsc');
  await writeFile(file, text({ ...good, domain: 'rides' }));
  const url = await serve('rides-value', [text(good), text(good), text({ ...good, time: 'nope' })]);
  const samples = join(import.meta.dirname, '..', 'ingest', 'fixtures', 'rides-null.avro');
  const io = fakeIo();
  const flags = ['--subject', 'rides-value', '--samples', samples, '--schema.registry.url', url];
  await runProgram(['schema', 'preview', file, ...flags], { ...io, clock: systemClock });
  const { out, err } = io.written;
  expect(`${out}${err}`).toContain('rides-value version 3 does not compile');
  expect(out).toContain('rides-value version 2');
  expect(out).not.toContain('no mapping');
});
