import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../foundation/index.ts';
import { openLevelStore, type SourceStatus } from '../graph-store/index.ts';
import { compareGraph } from './main-job-comparison.ts';
import { compareDeadLetters } from './main-job-dead-letters.ts';
import { expectedInventory, takeInventory } from './main-job-inventory.ts';
import { type ExpectedFates, readOracle } from './main-job-oracle.ts';
import { type RunningProducer, startProducer } from './main-job-producer.ts';
import { Product, type ProductSettings, untilNoLag } from './main-job-product.ts';
import { seededRandom } from './main-job-random.ts';
import { describeWith, type KafkaBroker, startKafka, startTimeoutMs } from './services/index.ts';

const records = 100_000;
const seed = 20_261_121;
const kills = 30;
const caughtUpWithinMs = 90_000;

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

/** What the position rows of a stopped store say, compared with what the producer knows of each partition. */
function expectConservation(sources: readonly SourceStatus[], expected: readonly ExpectedFates[]): void {
  expect(sources).toHaveLength(expected.length);
  for (const { topic, partition, ...fates } of expected) {
    const status = sources.find(({ source }) => source.topic === topic && source.partition === partition);
    const { consumed = 0, applied = 0, superseded = 0, filtered = 0, deadLettered = 0 } = status?.fates ?? {};
    const place = `${topic}/${partition}`;
    expect({ place, consumed, landed: applied + superseded, filtered, deadLettered }).toEqual({
      place,
      consumed: fates.consumed,
      landed: fates.landed,
      filtered: fates.filtered,
      deadLettered: fates.deadLettered,
    });
    expect(consumed).toBe(applied + superseded + filtered + deadLettered);
    expect(applied, `different events applied from ${place}`).toBeGreaterThanOrEqual(fates.distinct);
  }
}

/** Reads the store of a product that has ended and the dead letters, and finds no difference from the oracle. */
async function expectOracle(
  settings: ProductSettings,
  oracleFile: string,
  copies: 'exactly-one' | 'at-least-one',
): Promise<readonly SourceStatus[]> {
  const oracle = await readOracle(oracleFile);
  const storeFolder = join(settings.dataFolder, 'store');
  expect(await takeInventory(storeFolder)).toEqual(expectedInventory(oracle));
  const store = await openLevelStore({ folder: storeFolder });
  try {
    expect(await compareGraph(store, oracle)).toEqual([]);
    const sources = await store.sources();
    expectConservation(sources, oracle.fates);
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
  addresses: Pick<ProductSettings, 'bootstrapServers' | 'registryUrl' | 'topics'>,
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
    const settings = settingsFor('once', { bootstrapServers, registryUrl, topics: producer.topics });
    const product = startLife(settings);
    await producer.finished;
    await untilNoLag(product, settings, caughtUpWithinMs);
    expect(await product.stop()).toBe('0');
    await expectOracle(settings, oracleFile, 'exactly-one');
  }, 180_000);
});

describeWith(
  'java',
  'registry',
  'python',
)('the main job under fire', (services) => {
  let broker: KafkaBroker;
  beforeAll(async () => {
    broker = await startKafka();
  }, startTimeoutMs);
  afterAll(() => broker.dispose());

  it(`survives kill -9 at ${kills} random moments and a restart of the broker (seed ${seed})`, async () => {
    const random = seededRandom(seed);
    const oracleFile = join(folder, 'oracle-under-fire.jsonl');
    const { bootstrapServers } = broker;
    const { registryUrl } = services;
    // Slow enough that the producer still writes when the last kill falls.
    const request = { bootstrapServers, registryUrl, oracleFile, records, seed, rate: 1_000 };
    const producer = await produce({ ...request, suffix: '.fire' });
    const settings = settingsFor('fire', { bootstrapServers, registryUrl, topics: producer.topics });

    for (let life = 0; life < kills; life++) {
      const product = startLife(settings);
      // A few die while they start, recovery of the store included; most of them while they read.
      if (life % 5 !== 0) await product.url(30_000);
      await systemClock.sleep(random() * 1_500);
      expect(product.running, 'alive until it is killed').toBe(true);
      await product.kill();
    }
    expect(producer.running, 'the kills fall within the ingestion').toBe(true);

    const survivor = startLife(settings);
    await survivor.url(30_000);
    await broker.stop();
    await broker.start();
    await producer.finished;
    await untilNoLag(survivor, settings, caughtUpWithinMs);
    expect(await survivor.stop()).toBe('0');
    const sources = await expectOracle(settings, oracleFile, 'at-least-one');
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
