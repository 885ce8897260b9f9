import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../foundation/index.ts';
import { fakeIo } from './command-io.fake.ts';
import { runProgram } from './program.ts';
import { type RegistryServer, startRegistryServer } from './registry-server.fake.ts';

let server: RegistryServer;
beforeEach(async () => {
  server = await startRegistryServer();
});
afterEach(() => server.close());

async function run(...commandLine: readonly string[]) {
  const io = fakeIo({ clock: systemClock });
  const code = await runProgram(['schema', ...commandLine, '--schema.registry.url', server.url], io);
  return { code, ...io.written };
}

const ride = (id: string | null, node: object = {}): string =>
  JSON.stringify({
    type: 'record',
    name: 'Ride',
    fields: [
      { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
      { name: 'rider', type: 'string' },
      { name: 'graph', type: 'string' },
    ],
    ...(id === null
      ? {}
      : { graph: { domain: 'mobility', time: 'at', nodes: [{ type: 'Rider', id, ...node }] } }),
  });

describe('what is registered', () => {
  beforeEach(async () => {
    await server.register('fine-value', ride('rider'));
    await server.register('json-value', '{"$schema": "any"}');
    await server.register('plain-value', ride(null));
    await server.register('wrong-value', ride('ridr', { ttl: 'soon' }));
  });

  it('is listed with whether it carries a mapping, and why that does not compile', async () => {
    const { code, out } = await run('list');
    expect(out.trimEnd().split('\n').slice(1)).toEqual([
      expect.stringMatching(/^fine-value +1 +\d+ +yes$/),
      expect.stringMatching(/^json-value +– +– +unreadable$/),
      expect.stringMatching(/^plain-value +1 +\d+ +no$/),
      expect.stringMatching(/^wrong-value +1 +\d+ +does not compile$/),
      expect.stringMatching(/^json-value:1:1: .*JSON/),
      expect.stringMatching(
        /^wrong-value@1:1:\d+: graph\.nodes\[0\]\.id: .*did you mean `rider`.* \(and 1 more: jg schema check --subject wrong-value\)$/,
      ),
    ]);
    expect(code).toBe(0);
  });

  it('is listed for machines with all problems', async () => {
    const rows: unknown = JSON.parse((await run('list', '--json')).out);
    expect(rows).toMatchObject([
      { subject: 'fine-value', mapping: true, problems: [] },
      { subject: 'json-value', version: null, id: null, mapping: false, problems: [{}] },
      { subject: 'plain-value', mapping: false, problems: [] },
      { subject: 'wrong-value', mapping: true, problems: [{ path: 'graph.nodes[0].id' }, {}] },
    ]);
  });

  it('is compared by its number, whatever stranger was registered behind it', async () => {
    await server.register('fine-value', ride('graph'));
    await server.register('fine-value', '{"$schema": "any"}');
    const diff = async (to: string): Promise<string> => {
      const { out, err } = await run('diff', 'fine-value', '--from', '1', '--to', to);
      return out + err;
    };
    expect(await diff('1')).toBe('No difference.\n');
    expect(await diff('2')).toContain('Rider');
    expect(await diff('3')).toContain('SCHEMA_NOT_AVRO');
    for (const none of ['4', '0', '../1', 'latest']) expect(await diff(none)).toContain('SUBJECT_NOT_FOUND');
  });

  it('is shown with why its mapping does not compile', async () => {
    const { code, out } = await run('show', 'wrong-value');
    expect(out).toMatch(
      /\n\nIts mapping does not compile:\nwrong-value@1:1:\d+: graph\.nodes\[0\]\.id: .*\n.*ttl/,
    );
    expect(code).toBe(0);
    const shown: unknown = JSON.parse((await run('show', 'wrong-value', '--json')).out);
    expect(shown).toMatchObject({ mapping: [], problems: [{ path: 'graph.nodes[0].id' }, {}] });
  });

  it('is shown without a mapping where it has none', async () => {
    expect((await run('show', 'plain-value')).out).toMatch(/\n\nIt carries no mapping\.\n$/);
    expect((await run('show', 'plain-value', '--json')).out).toContain('"problems": []');
  });

  it('names no file when it is checked, since it is in none', async () => {
    const { code, out } = await run('check', '--subject', 'plain-value');
    expect(out).toMatch(/^plain-value@1:1:1: graph: carries no mapping: put its schema into a file, and/);
    expect(out).not.toContain('jg schema new plain-value');
    expect(code).toBe(2);
  });
});
