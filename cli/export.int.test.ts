import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, expect, it, vi } from 'vitest';
import { systemClock } from '../foundation/index.ts';
import { pythonWithPackages } from '../test/python/venv.ts';
import { describeWith } from '../test/services/index.ts';
import { fakeIo } from './command-io.fake.ts';
import { dataWithStore } from './export-testing.ts';
import { runProgram } from './program.ts';

const run = promisify(execFile);
const installTimeoutMs = 600_000;
const program = join(import.meta.dirname, '..', 'test', 'python', 'export_read.py');

interface Read {
  readonly types: Readonly<Record<string, string>>;
  readonly rows: readonly unknown[];
  readonly positions: readonly unknown[];
  readonly pandas: {
    readonly dtypes: Readonly<Record<string, string>>;
    readonly rows: readonly Readonly<Record<string, unknown>>[];
  };
}

describeWith('python')('PyArrow and pandas', () => {
  let python = '';
  beforeAll(async () => {
    python = await pythonWithPackages();
    for (const name of ['JG_DATA', 'JG_SCHEMA_REGISTRY_URL']) vi.stubEnv(name, undefined);
    return () => vi.unstubAllEnvs();
  }, installTimeoutMs);

  it('read what jg export writes, with its types and its position, from Arrow and from Parquet', async () => {
    const data = await dataWithStore();
    const tables: readonly (readonly string[])[] = [['nodes', 'Account'], ['edges', 'WATCHED'], ['steps']];
    for (const table of tables) {
      const files = ['arrow', 'parquet'].map((format) => join(data, `${table[0]}.${format}`));
      for (const out of files) {
        const io = fakeIo({ clock: systemClock });
        expect(await runProgram(['export', ...table, '--data', data, '--out', out], io), io.written.err).toBe(
          0,
        );
      }
      const { stdout } = await run(python, [program, ...files]);
      const read: Readonly<Record<string, Read>> = JSON.parse(stdout);
      const [arrow, parquet] = files.map((file) => read[file]);
      expect(arrow?.rows).toEqual(parquet?.rows);
      expect(arrow?.positions).toMatchObject([{ source: { topic: 'plays', partition: 3 }, next: '104' }]);
      expect(arrow).toMatchObject(expected[table[0] ?? ''] ?? {});
      expect(parquet?.positions).toEqual(arrow?.positions);
      expect(parquet?.pandas).toEqual(arrow?.pandas);
      expect(parquet?.types.time).toBe('timestamp[us, tz=UTC]');
    }
  });
});

/** A column of whole numbers with a null in it becomes one of floats in pandas, unless it is told otherwise. */
const expected: Readonly<Record<string, object>> = {
  nodes: {
    types: { id: 'string', time: 'timestamp[us, tz=UTC]', country: 'string', profiles: 'int64' },
    rows: [
      {
        ...{ id: 'zoë', time: '2026-11-21 20:15:00.002000+00:00', country: 'DE', profiles: 4, plan: null },
        ...{ other_properties: '{"plan":7,"shoe":"1152921504606846976"}', source_offset: 100 },
      },
    ],
    pandas: {
      dtypes: { id: 'object', time: 'datetime64[us, UTC]', profiles: 'int64', memberSince: 'float64' },
      rows: [
        { id: 'zoë', time: '2026-11-21T20:15:00.002000Z', country: 'DE', profiles: 4, memberSince: null },
      ],
    },
  },
  edges: {
    types: { seconds: 'int64', completion: 'double', source_partition: 'int32' },
    rows: [{ to_id: 'dark', seconds: 3600, completion: 0.5, occurrence: 'fffffffffffffffe' }],
    pandas: {
      dtypes: { seconds: 'int64', completion: 'float64', source_partition: 'int32' },
      rows: [{ to_id: 'dark', seconds: 3600, completion: 0.5, time: '2026-11-21T20:15:00.001000Z' }],
    },
  },
  steps: {
    rows: [
      {
        ...{ action: 'watched', properties: '{"seconds":3600}' },
        links: [{ edge: 'WATCHED', direction: 'out', type: 'Title', id: 'dark' }],
      },
    ],
    pandas: {
      rows: [
        { action: 'watched', links: [{ edge: 'WATCHED', direction: 'out', type: 'Title', id: 'dark' }] },
      ],
    },
  },
};
