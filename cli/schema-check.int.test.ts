import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, it, vi } from 'vitest';
import { systemClock } from '../foundation/index.ts';
import { ConfluentRegistry } from '../schemas/index.ts';
import { describeWith } from '../test/services/index.ts';
import { fakeIo } from './command-io.fake.ts';
import { runProgram } from './program.ts';

interface Field {
  readonly name: string;
  readonly type: unknown;
  readonly default?: unknown;
}

/** A line a field, so that places are known: the first field stands in line 2. */
function text(fields: readonly Field[]): string {
  const all: readonly Field[] = [
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'rider', type: 'string' },
    ...fields,
  ];
  const graph = { domain: 'd', time: 'at', nodes: [{ type: 'Rider', id: 'rider' }] };
  const journey = { owner: 'Rider', action: 'rode' };
  const lines = all.map((field) => JSON.stringify(field)).join(',\n');
  return `{"type":"record","name":"Ride","fields":[\n${lines}\n],"graph":${JSON.stringify({ ...graph, journey })}}`;
}

const distance = (type: unknown, more: object = {}): Field => ({ name: 'distance', type, ...more });
const color = (...symbols: readonly string[]): object => ({ type: 'enum', name: 'Color', symbols });

/** Mode, what was changed, the fields before and after, and what is said. */
const illegal: readonly (readonly [string, string, readonly Field[], readonly Field[], RegExp])[] = [
  [
    'BACKWARD',
    'a field without default',
    [],
    [distance('double')],
    /:4:1: distance: was not written and has no default .*: give the new field a default/,
  ],
  [
    'BACKWARD',
    'another type',
    [distance('double')],
    [distance('string')],
    /:4:1: distance: is double as written and string as read \(events of version 1 could not be read with this schema\): keep the type/,
  ],
  [
    'BACKWARD',
    'a null that is gone',
    [distance(['null', 'double'])],
    [distance('double')],
    /:4:1: distance: may be null as written, and not as read .*: keep null/,
  ],
  [
    'BACKWARD',
    'a symbol that is gone',
    [distance(color('A', 'B'))],
    [distance(color('A'))],
    /:4:1: distance: is written as B, .*: keep the symbol/,
  ],
  [
    'BACKWARD',
    'a field of a record in an array',
    [
      distance({
        type: 'array',
        items: { type: 'record', name: 'I', fields: [{ name: 'x', type: 'long' }] },
      }),
    ],
    [
      distance({
        type: 'array',
        items: { type: 'record', name: 'I', fields: [{ name: 'x', type: 'int' }] },
      }),
    ],
    /:4:\d+: distance\[\]\.x: is long as written and int as read/,
  ],
  [
    'FORWARD',
    'a field that is gone',
    [distance('double')],
    [],
    /distance: is no longer written and has no default \(readers of version 1 could not read its events\): keep the field/,
  ],
  [
    'FORWARD',
    'a symbol that is new',
    [distance(color('A'))],
    [distance(color('A', 'B'))],
    /:4:1: distance: is written as B, .*in a version before the one that adds it/,
  ],
  [
    'FULL',
    'a promoted number',
    [distance('int')],
    [distance('long')],
    /:4:1: distance: is long as written and int as read \(readers of version 1/,
  ],
];

describeWith('registry')('jg schema check against a registry', (services) => {
  let folder: string;
  let count = 0;

  beforeAll(async () => {
    for (const name of Object.keys(process.env)) {
      if (/^(JG|KAFKA|SCHEMA_REGISTRY)_/.test(name)) vi.stubEnv(name, undefined);
    }
    folder = await mkdtemp(join(tmpdir(), 'journey-graph-check-'));
    return async () => {
      vi.unstubAllEnvs();
      await rm(folder, { recursive: true, force: true });
    };
  });

  /** Registers the older ones, oldest first, then checks the newest. */
  async function check(mode: string, older: readonly string[], newest: string) {
    count += 1;
    const subject = `check.${count}-value`;
    const { registryUrl } = services;
    const registry = new ConfluentRegistry({ url: registryUrl });
    const configure = async (compatibility: string): Promise<void> => {
      const response = await fetch(new URL(`${registryUrl.replace(/\/$/, '')}/config/${subject}`), {
        method: 'PUT',
        headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
        body: JSON.stringify({ compatibility }),
      });
      expect(response.status).toBe(200);
    };
    for (const schema of older) {
      await registry.register(subject, schema);
      // Not every registry takes the mode of a subject that is not there yet.
      await configure('NONE');
    }
    await registry.close();
    await configure(mode);
    const file = join(folder, 'ride.avsc');
    await writeFile(file, newest);
    const io = fakeIo({ clock: systemClock });
    const commandLine = ['schema', 'check', file, '--subject', subject, '--schema.registry.url', registryUrl];
    const code = await runProgram(commandLine, io);
    expect(io.written.err).toBe('');
    return { code, out: io.written.out.replaceAll(folder, '') };
  }

  it.each(illegal)(
    'in the mode %s says of %s where, what breaks, and what to do',
    async (mode, _what, before, after, sentence) => {
      const { code, out } = await check(mode, [text(before)], text(after));
      expect(out).toMatch(sentence);
      expect(code).toBe(2);
    },
  );

  it('compares with every version where the mode is transitive, with the newest otherwise', async () => {
    const older = [text([distance('string')]), text([])];
    const newest = text([distance('double', { default: 0 })]);
    const transitive = await check('BACKWARD_TRANSITIVE', older, newest);
    expect(transitive.out).toMatch(
      /distance: is string as written and double as read \(events of version 1 /,
    );
    expect(transitive.code).toBe(2);
    const latest = await check('BACKWARD', older, newest);
    expect(latest.out).toMatch(/fine; .*goes with version 2 \(compatibility BACKWARD\)/);
    expect(latest.code).toBe(0);
  });

  it('and diff compares nothing with a file that does not compile, and says why', async () => {
    const { registryUrl } = services;
    const registry = new ConfluentRegistry({ url: registryUrl });
    await registry.register('check.diff-value', text([]));
    await registry.close();
    const file = join(folder, 'slip.avsc');
    await writeFile(file, text([]).replace('"id":"rider"', '"id":"ridr"'));
    const io = fakeIo({ clock: systemClock });
    const flags = ['--schema.registry.url', registryUrl];
    expect(await runProgram(['schema', 'diff', 'check.diff-value', file, ...flags], io)).toBe(2);
    expect(io.written.out).toMatch(/slip\.avsc:4:\d+: graph\.nodes\[0\]\.id: `ridr` names no field/);
    expect(io.written.out).not.toContain('removed');
    expect(io.written.err).toMatch(/Nothing was compared/);
  });

  it('notes what no registry refuses and could not be read', async () => {
    const decimal = (scale: number): object => ({
      type: 'bytes',
      logicalType: 'decimal',
      precision: 9,
      scale,
    });
    const { out } = await check('NONE', [text([distance(decimal(2))])], text([distance(decimal(3))]));
    expect(out).toMatch(
      /note: distance: is a decimal of scale 2 as written and a decimal of scale 3 as read \(events of version 1 could not be read with this schema\)/,
    );
  });
});
