import { join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { OutageError } from '../foundation/index.ts';
import { spoolRows } from './spooled-rows.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

async function* rowsThen(end: () => void): AsyncGenerator<readonly [Buffer, Buffer]> {
  yield [Buffer.from('key'), Buffer.from('value')];
  end();
}

it('gives rows back as they came', async () => {
  await using spooled = await spoolRows(rowsThen(() => undefined));
  const found = [];
  for await (const row of spooled.rows()) found.push(row.map(String));
  expect(found).toEqual([['key', 'value']]);
});

it('names the folder that does not take them', async () => {
  const folder = join(import.meta.dirname, 'nowhere');
  vi.stubEnv('TMPDIR', folder);
  const spooling = spoolRows(rowsThen(() => undefined));
  await expect(spooling).rejects.toMatchObject({ code: 'SNAPSHOT_SPOOL_FAILED', retryable: true });
  await expect(spooling).rejects.toThrow(folder);
});

it('is no reason to blame the folder when the rows cannot be read', async () => {
  const failure = new OutageError('STORE_READ_FAILED', 'It does not answer.');
  const spooling = spoolRows(
    rowsThen(() => {
      throw failure;
    }),
  );
  await expect(spooling).rejects.toBe(failure);
});
