import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { seededRandom, systemClock } from '../foundation/index.ts';
import { openLevelStore, type SourceStatus } from '../graph-store/index.ts';
import { compareAnswers } from './main-job-answers.ts';
import { compareGraph } from './main-job-comparison.ts';
import { compareDeadLetters } from './main-job-dead-letters.ts';
import { compareFates } from './main-job-fates.ts';
import { expectedInventory, takeInventory } from './main-job-inventory.ts';
import { readOracle } from './main-job-oracle.ts';
import { type RunningProducer, startProducer } from './main-job-producer.ts';
import { Product, type ProductSettings, untilNoLag } from './main-job-product.ts';
import { describeWith, type KafkaBroker, startKafka, startTimeoutMs } from './services/index.ts';

const records = 100_000;
const seed = 20_261_121;
/** A long run says how many: see docs/faults.md. */
const kills = Number(process.env.JOURNEY_GRAPH_MAIN_JOB_KILLS || 12);
const caughtUpWithinMs = 90_000;
const claimedWithinMs = 30_000;
/** Most lives are killed at a random moment of so many milliseconds after they began to read; a few while they start. */
const lifeMs = 1_500;

let folder: string;
let cleanUps: (() => Promise<void>)[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'journey-graph-main-job-'));
});
afterEach(async () => {
  for (const cleanUp of cleanUps.toReversed()) await cleanUp();
  cleanUps = [];
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function startLife(settings: ProductSettings): Product {
  const product = Product.start(settings);
  cleanUps.push(() => product.kill());
  return product;
}

async function produce(request: Parameters<typeof startProducer>[0]): Promise<RunningProducer> {
  const producer = await startProducer(request);
  cleanUps.push(async () => producer.kill());
  return producer;
}

/**
 * Waits until a product has caught up, asks it over GraphQL, stops it, then reads its store and the dead letters, and finds no
 * difference from the oracle anywhere.
 */
async function expectOracle(
  product: Product,
  settings: ProductSettings,
  oracleFile: string,
  copies: 'exactly-one' | 'at-least-one',
): Promise<readonly SourceStatus[]> {
  const oracle = await readOracle(oracleFile);
  await untilNoLag(product, settings, caughtUpWithinMs);
  expect(await compareAnswers(await product.url(claimedWithinMs), oracle)).toEqual([]);
  expect(await product.stop()).toBe('0');
  const storeFolder = join(settings.dataFolder, 'store');
  expect(await takeInventory(storeFolder)).toEqual(expectedInventory(oracle));
  const store = await openLevelStore({ folder: storeFolder }, systemClock);
  try {
    expect(await compareGraph(store, oracle)).toEqual([]);
    const sources = await store.sources();
    expect(compareFates(sources, oracle.fates)).toEqual([]);
    expect(await compareDeadLetters(settings.bootstrapServers, settings.topics, oracle.bad, copies)).toEqual(
      [],
    );
    return sources;
  } finally {
    await store.close();
  }
}

function settingsFor(
  name: string,
  addresses: Omit<ProductSettings, 'dataFolder' | 'logFile'>,
): ProductSettings {
  return { ...addresses, dataFolder: join(folder, name), logFile: join(folder, `${name}.log`) };
}

describeWith(
  'kafka',
  'registry',
  'python',
)('the main job', (services) => {
  it('makes the graph that the oracle says from 100,000 records of a producer that is not ours', async () => {
    const { bootstrapServers, registryUrl } = services;
    const oracleFile = join(folder, 'oracle.jsonl');
    const request = { bootstrapServers, registryUrl, oracleFile, records, seed, rate: 0 };
    const producer = await produce({ ...request, suffix: `.${process.pid}.once` });
    const { topics } = producer;
    const settings = settingsFor('once', { bootstrapServers, registryUrl, topics, sessionTimeoutMs: 10_000 });
    const product = startLife(settings);
    await producer.finished;
    await expectOracle(product, settings, oracleFile, 'exactly-one');
  }, 180_000);
});

describeWith(
  'java',
  'registry',
  'python',
)('the main job under fire', (services) => {
  let broker: KafkaBroker;
  beforeAll(async () => {
    broker = await startKafka({ properties: { 'group.min.session.timeout.ms': '1000' } });
  }, startTimeoutMs);
  afterAll(() => broker.dispose());

  it(`survives kill -9 at ${kills} random moments and a restart of the broker (seed ${seed})`, async () => {
    const random = seededRandom(seed);
    const oracleFile = join(folder, 'oracle-under-fire.jsonl');
    const { bootstrapServers } = broker;
    const { registryUrl } = services;
    // Slow enough that the producer still writes when the last kill falls.
    const request = { bootstrapServers, registryUrl, oracleFile, records, seed, rate: 400 };
    const producer = await produce({ ...request, suffix: '.fire' });
    const { topics } = producer;
    const settings = settingsFor('fire', { bootstrapServers, registryUrl, topics, sessionTimeoutMs: 1_000 });

    let claims = 0;
    for (let life = 0; life < kills; life++) {
      const product = startLife(settings);
      // Every fifth dies while it starts, recovery of the store included.
      if (life % 5 !== 0) claims = await product.claimsBeyond(claims, claimedWithinMs);
      await systemClock.sleep(random() * lifeMs);
      expect(product.running, 'alive until it is killed').toBe(true);
      await product.kill();
    }
    expect(producer.running, 'the kills fall within the ingestion').toBe(true);

    const survivor = startLife(settings);
    await survivor.claimsBeyond(claims, claimedWithinMs);
    await broker.stop();
    await broker.start();
    producer.hurry();
    await producer.finished;
    const sources = await expectOracle(survivor, settings, oracleFile, 'at-least-one');
    // Every claim bumps the epoch: so many lives came as far as reading, and none of them only waited to be killed.
    for (const { epoch } of sources) expect(epoch).toBeGreaterThan(kills / 2);
  }, 300_000);
});

describe('the seeded moments', () => {
  it('are the same in every run', () => {
    const [a, b] = [seededRandom(seed), seededRandom(seed)];
    const moments = Array.from({ length: kills }, a);
    expect(moments).toEqual(Array.from({ length: kills }, b));
    expect(new Set(moments).size).toBe(kills);
  });
});
