import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { systemClock } from '../foundation/index.ts';
import { defaultEmbeddedLogSettings, type EmbeddedLog, openEmbeddedLog } from './embedded-log.ts';
import type { LogRecord } from './embedded-log-format.ts';
import { EmbeddedLogSource } from './embedded-log-source.ts';
import { type RunningViews, startViews, tableSource, viewsAndTitles } from './lookup-testing.ts';

let folder = '';
let log: EmbeddedLog;
let running: RunningViews | null = null;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lookup-'));
  log = await openEmbeddedLog({ ...defaultEmbeddedLogSettings, folder });
});
afterEach(async () => {
  await running?.stop();
  await log.close();
  await rm(folder, { recursive: true, force: true });
});

function source(topic: string): EmbeddedLogSource {
  const settings = { topic, readBytesMax: 100_000, retry: { baseMs: 1, maxMs: 5 } };
  return new EmbeddedLogSource(log, settings, systemClock, () => 0.5);
}

const record = (key: string | null, value: Uint8Array | null): LogRecord => ({
  timestampMs: Date.now(),
  key: key === null ? null : Buffer.from(key),
  value,
  headers: null,
});

it('gives events of the embedded log rows of a table in it, those that were there and one that comes later', async () => {
  const { registry, title, view } = await viewsAndTitles();
  await log.createTopic('views', 2);
  await log.createTopic(tableSource.topic, 2);
  await log.append(tableSource.topic, 0, [record('a', title('Old')), record('gone', title('Gone'))]);
  await log.append(tableSource.topic, 0, [record('a', title('Harbour Lights')), record('gone', null)]);
  await log.append(tableSource.topic, 1, [record('b', title('The Cartographers'))]);
  await log.append('views', 0, [record(null, view('v1', 'a')), record(null, view('v2', 'b'))]);
  running = await startViews(registry, source('views'), source);
  await running.named({ v1: 'Harbour Lights', v2: 'The Cartographers' });
  expect(running.tables.status()).toMatchObject([{ rows: 2, missing: 0 }]);

  await log.append('views', 1, [record(null, view('v3', 'late'))]);
  await log.append('views', 0, [record(null, view('v4', 'a'))]);
  await running.named({ v4: 'Harbour Lights' });
  expect(await running.store.node({ type: 'View', id: 'v3' })).toBeNull();
  await log.append(tableSource.topic, 1, [record('late', title('Round Twelve'))]);
  await running.named({ v3: 'Round Twelve' });
  expect(running.tables.status()).toMatchObject([{ rows: 3, missing: 0, unreadable: 0 }]);
});
