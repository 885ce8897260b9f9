import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { FakeRestCatalog } from '../archive/iceberg/rest-catalog.fake.ts';
import { FakeS3 } from '../archive/s3-testing.ts';
import { loadSettings } from '../config/index.ts';
import { silentLog, systemClock } from '../foundation/index.ts';
import { archiveToEnd } from '../ingest/index.ts';
import { BundledRegistry, loadCatalog } from '../schemas/index.ts';
import { archiverLimits, archiverParts } from './archivers.ts';
import { fakeIo } from './command-io.fake.ts';
import { EmbeddedEvents } from './embedded-events.ts';
import { openArchive } from './open-archive.ts';

const topic = 'streaming.playback';
const records = Array.from({ length: 30 }, (_, at) => ({
  timestampMs: Date.UTC(2026, 9, 1) + at,
  key: Buffer.from(`k${at}`),
  value: at === 3 ? null : Buffer.from(`value-${at}`),
  headers: null,
}));

/** Archives a few records with these settings, and reads them back by a second opening of the archive. */
async function archived(flags: Readonly<Record<string, string>>): Promise<readonly unknown[]> {
  const data = mkdtempSync(join(tmpdir(), 'journey-graph-open-archive-'));
  onTestFinished(() => rmSync(data, { recursive: true, force: true }));
  const { settings } = loadSettings({ flags: { data, ...flags }, environment: {}, files: [] });
  const io = fakeIo({ clock: systemClock, random: Math.random });
  const events = await EmbeddedEvents.open(settings, io);
  const registry = await BundledRegistry.of(await loadCatalog());
  await events.log.append(topic, 1, records);
  const archive = openArchive(settings, io);
  const parts = archiverParts(topic, settings, { archive, events, registry }, io, silentLog);
  await archiveToEnd(parts, archiverLimits(settings, 1));
  archive.close();
  await events.close();
  const again = openArchive(settings, io);
  const reader = again.reader(topic, null);
  const filter = { fromMs: null, untilMs: null, partitions: null };
  const rows: unknown[] = [];
  for (const file of await reader.files(filter))
    for await (const batch of reader.rows(file, 0n, filter))
      rows.push(
        ...batch.rows.map(({ offset, value }) => ({ offset, value: value && String(Buffer.from(value)) })),
      );
  again.close();
  return rows;
}

const expected = records.map(({ value }, at) => ({ offset: BigInt(at), value: value && String(value) }));

describe('the archive that the settings name', () => {
  it('is a folder of the data when nothing is said', async () => {
    expect(await archived({})).toEqual(expected);
  });

  it('is a bucket, with a prefix and credentials', async () => {
    const fake = new FakeS3();
    const endpoint = await fake.start();
    onTestFinished(() => fake.stop());
    const { accessKeyId, secretAccessKey, sessionToken = '' } = fake.credentials;
    const rows = await archived({
      'archive.warehouse': `s3://${fake.bucket}/some/where`,
      'archive.s3.endpoint': endpoint,
      'archive.s3.region': fake.region,
      'archive.s3.access.key.id': accessKeyId,
      'archive.s3.secret.access.key': secretAccessKey,
      'archive.s3.session.token': sessionToken,
    });
    expect(rows).toEqual(expected);
    const keys = [...fake.objects.keys()];
    expect(keys.every((key) => key.startsWith('some/where/journey_graph/streaming_playback/'))).toBe(true);
  });

  it('has its tables in a REST catalog', async () => {
    const fake = new FakeRestCatalog();
    const url = await fake.start();
    const rows = await archived({ 'archive.catalog.url': url.href, 'archive.namespace': 'lake' });
    expect(rows).toEqual(expected);
    expect(fake.asked.at(-1)?.path).toContain('namespaces/lake/tables/streaming_playback');
  });
});
