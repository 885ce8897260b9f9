import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../foundation/index.ts';
import { fakeIo } from './command-io.fake.ts';
import { runProgram } from './program.ts';
import { startRegistryServer } from './registry-server.fake.ts';

function text(graph: object): string {
  const at = { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } };
  const fields = [at, { name: 'rider', type: 'string' }, { name: 'city', type: ['null', 'string'] }];
  return JSON.stringify({ type: 'record', name: 'Ride', namespace: 'com.example', fields, graph });
}

const good = { domain: 'mobility', time: 'at', nodes: [{ type: 'Rider', id: 'rider' }] };

/** A registry that has these versions of a subject. */
async function serve(subject: string, texts: readonly string[]): Promise<string> {
  const server = await startRegistryServer();
  onTestFinished(() => server.close());
  for (const schema of texts) {
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ schema });
    const path = `${server.url}/subjects/${subject}/versions`;
    expect((await fetch(path, { method: 'POST', headers, body })).ok).toBe(true);
  }
  return server.url;
}

it('compares with the newest version that compiles, and says that the newest one does not', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'journey-graph-preview-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, 'ride.avsc');
  await writeFile(file, text({ ...good, domain: 'rides' }));
  const url = await serve('rides-value', [
    text(good),
    text({ ...good, rank: 1 }),
    text({ ...good, time: 'nope' }),
  ]);
  const samples = join(import.meta.dirname, '..', 'ingest', 'fixtures', 'rides-null.avro');
  const io = fakeIo();
  const flags = ['--subject', 'rides-value', '--samples', samples, '--schema.registry.url', url];
  await runProgram(['schema', 'preview', file, ...flags], { ...io, clock: systemClock });
  const { out, err } = io.written;
  expect(`${out}${err}`).toContain('rides-value version 3 does not compile');
  expect(out).toContain('rides-value version 2');
  expect(out).not.toContain('no mapping');
});
