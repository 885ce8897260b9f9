import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { archiveLog } from '../../bench/backfill/archive-log.ts';
import { askFor, clientOf, follow } from '../../bench/backfill/follow-backfill.ts';
import { fillKafka, fillLog } from '../../bench/ingest/fill.ts';
import { benchShape, benchTopic } from '../../bench/ingest/playback-events.ts';
import { Product } from '../../bench/ingest/product.ts';
import { seededRandom, systemClock } from '../../foundation/index.ts';
import { openLevelStore } from '../../graph-store/index.ts';
import { hideKafkajsTimeoutWarning } from '../../ingest/index.ts';
import { readTestEnvironment } from '../services/environment.ts';
import { ServiceHost } from '../services/service-host.ts';

const kills = 20;
const timeoutMs = 3_600_000;
const secondsMin = 40;

interface Campaign {
  readonly folder: string;
  readonly events: number;
  readonly random: () => number;
  say(line: string): void;
}

/**
 * One history in five graphs: from Kafka (where a broker can be had), from the embedded log, from the archive, from the archive with the
 * process killed (-9) at random rows twenty times, and from the archive twice. All digests have to be equal, and no row counted twice.
 */
export async function runBackfills(
  seed: number,
  events: number,
  say: (line: string) => void,
): Promise<object> {
  const folder = await mkdtemp(join(tmpdir(), 'journey-graph-backfills-'));
  try {
    const campaign = { folder, events, random: seededRandom(seed), say };
    const data = join(folder, 'log');
    const endMs = Date.now();
    const kafka = await fromKafka(campaign, seed, endMs);
    await fillLog(data, events, seed, benchShape, endMs);
    const { path, rows } = await archiveLog(data, benchTopic);
    if (rows !== events) throw new Error(`${rows} of ${events} events were archived`);
    const log = await fromLog(campaign);
    say(`from the log ${log}`);
    const twice = await fromArchiveTwice(campaign, path);
    say(`from the archive ${twice.once}, twice ${twice.twice}`);
    const killed = await fromArchiveKilled(campaign, path);
    say(`after ${killed.kills} kills ${killed.digest}`);
    const digests = [...kafka, log, twice.once, twice.twice, killed.digest];
    if (new Set(digests).size !== 1) throw new Error(`digests differ: ${digests.join(', ')}`);
    return { events, kills: killed.kills, rowsAtKills: killed.rows, digest: log, equal: digests.length };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** From a broker of this run alone, for the topic has the name that the catalog's mapping is for. No digest where none can be had, which is said. */
async function fromKafka(
  { folder, events, say }: Campaign,
  seed: number,
  endMs: number,
): Promise<readonly string[]> {
  const host = await ServiceHost.create(readTestEnvironment(process.env));
  const lacking = [host.provisions.kafka, host.provisions.registry].find(({ kind }) => kind === 'lacking');
  if (lacking?.kind === 'lacking') {
    say(`not from Kafka: it ${lacking.reason}`);
    return [];
  }
  if ([host.provisions.kafka, host.provisions.registry].some(({ kind }) => kind === 'environment')) {
    say(`not from Kafka: a topic ${benchTopic} of a broker that is given is not ours to fill`);
    return [];
  }
  hideKafkajsTimeoutWarning(process);
  try {
    const [kafka, registry] = await Promise.all([host.need('kafka'), host.need('registry')]);
    const target = { bootstrapServers: kafka.address, registryUrl: registry.address, topic: benchTopic };
    await fillKafka(target, events, seed, endMs);
    const data = join(folder, 'kafka');
    const product = await start(data, [
      ...['--bootstrap.servers', kafka.address, '--schema.registry.url', registry.address],
    ]);
    try {
      await product.untilConsumed(events, timeoutMs);
    } finally {
      await product.stop();
    }
    const digest = await digestOf(data, events, 1);
    say(`from Kafka ${digest}`);
    return [digest];
  } finally {
    await host.dispose();
  }
}

async function fromLog({ folder, events }: Campaign): Promise<string> {
  const data = join(folder, 'log');
  const product = await start(data);
  await product.untilConsumed(events, timeoutMs);
  await product.stop();
  return await digestOf(data, events, 1);
}

async function fromArchiveTwice(
  { folder, events }: Campaign,
  path: string,
): Promise<{ readonly once: string; readonly twice: string }> {
  const data = join(folder, 'twice');
  const digests: string[] = [];
  for (const repeat of [0, 1]) {
    const product = await start(data);
    const { plan } = await clientOf(product).run(askFor(benchTopic, path, { repeat }));
    await follow(product, plan.id, timeoutMs);
    await product.stop();
    digests.push(await digestOf(data, events, repeat + 1));
  }
  const [once = '', twice = ''] = digests;
  return { once, twice };
}

/** The server is started anew after each kill and goes on by itself. */
async function fromArchiveKilled(
  { folder, events, random, say }: Campaign,
  path: string,
): Promise<{ readonly digest: string; readonly kills: number; readonly rows: readonly number[] }> {
  const data = join(folder, 'killed');
  const rows: number[] = [];
  // So that it is not done between two kills.
  const rate = ['--backfill.rows.per.second', String(Math.max(1_000, Math.ceil(events / secondsMin)))];
  let product = await start(data, rate);
  const { plan } = await clientOf(product).run(askFor(benchTopic, path));
  for (let kill = 0; kill < kills; kill += 1) {
    const at = Math.floor(((kill + random()) / (kills + 1)) * events);
    const { progress } = await follow(product, plan.id, timeoutMs, ({ rowsDone }) => rowsDone >= at);
    // Somewhere between two looks.
    await systemClock.sleep(Math.floor(random() * 200));
    await product.kill();
    if (progress.state === 'done') throw new Error('it was done before it was killed: take more events');
    rows.push(progress.rowsDone);
    say(`killed at ${progress.rowsDone} rows`);
    product = await start(data, rate);
  }
  const done = await follow(product, plan.id, timeoutMs);
  await product.stop();
  if (done.progress.fates.consumed !== events)
    throw new Error(`${done.progress.fates.consumed} of ${events} were counted`);
  return { digest: await digestOf(data, events, 1), kills, rows };
}

function start(data: string, flags: readonly string[] = []): Promise<Product> {
  return Product.start(['--data', data, '--topics', benchTopic, ...flags]);
}

async function digestOf(data: string, events: number, lives: number): Promise<string> {
  const store = await openLevelStore({ folder: join(data, 'store') }, systemClock);
  try {
    const { hex, sources } = await store.digest();
    const consumed = sources.reduce((sum, { fates }) => sum + fates.consumed, 0);
    if (consumed !== events * lives) throw new Error(`${consumed} of ${events * lives} events were counted`);
    return hex;
  } finally {
    await store.close();
  }
}
