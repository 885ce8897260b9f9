import { createWriteStream } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { defaultEmbeddedLogSettings, openEmbeddedLog } from '../../ingest/index.ts';
import { partitions } from '../ingest/fill.ts';
import { accountId, benchTopic, titleId } from '../ingest/playback-events.ts';
import { PlaybackFacts } from '../ingest/playback-facts.ts';
import { type ReadData, readData } from '../reads/read-target.ts';
import { fillStore } from '../reads/store-target.ts';

/** The same events in every form in which somebody takes them. */
export interface ApiData {
  readonly data: ReadData;
  /** A data folder of the product: its store, and a log whose topic is there and empty. */
  readonly product: string;
  /** Comma-separated, without header lines; times are event times in milliseconds. */
  readonly csv: {
    readonly accounts: string;
    readonly titles: string;
    /** account, time, event, title, seconds, completion, reason, device */
    readonly steps: string;
    /** The same, and the title once more. */
    readonly relationships: string;
  };
}

interface Manifest {
  readonly events: number;
  readonly seed: number;
  readonly nowMs: number;
}

export interface WantedData {
  readonly folder: string;
  readonly events: number;
  readonly seed: number;
  log(progress: string): void;
}

/** Older than this, too few events are left within the lookback. */
const reusedForMs = 30 * 86_400_000;
const factsPerChunk = 5000;

/**
 * Taken from `folder` if an earlier run left it there whole, with as many events of the same seed; else made there.
 *
 * @throws when there is something else in the folder.
 */
export async function prepareApiData(wanted: WantedData): Promise<ApiData> {
  const { folder, events, seed, log } = wanted;
  await mkdir(folder, { recursive: true });
  const file = join(folder, 'api-data.json');
  const left = await readManifest(file);
  const data = readData(events, seed, left?.nowMs ?? Date.now());
  const csv = (name: string): string => join(folder, `${name}.csv`);
  const result: ApiData = {
    data,
    product: join(folder, 'product'),
    csv: {
      accounts: csv('accounts'),
      titles: csv('titles'),
      steps: csv('steps'),
      relationships: csv('relationships'),
    },
  };
  if (left !== null) {
    if (left.events !== events || left.seed !== seed)
      throw new Error(
        `${folder} holds ${left.events} events of seed ${left.seed}: remove it, or ask for those`,
      );
    if (Date.now() - left.nowMs > reusedForMs)
      throw new Error(`the events in ${folder} are too old: remove it`);
    log(`taking the ${events} events that are in ${folder}`);
    return result;
  }
  // What an earlier run may have left unfinished.
  await rm(result.product, { recursive: true, force: true });
  log(`writing ${events} events for rivals to be loaded with`);
  await writeCsv(result);
  log(`writing ${events} events into the store`);
  await fillProduct(result);
  const manifest: Manifest = { events, seed, nowMs: data.nowMs };
  await writeFile(file, JSON.stringify(manifest));
  return result;
}

async function readManifest(file: string): Promise<Manifest | null> {
  try {
    const manifest: Manifest = JSON.parse(await readFile(file, 'utf8'));
    return manifest;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}

async function fillProduct({ data, product }: ApiData): Promise<void> {
  await mkdir(product, { recursive: true });
  await fillStore(join(product, 'store'), data);
  const log = await openEmbeddedLog({ ...defaultEmbeddedLogSettings, folder: join(product, 'log') });
  try {
    await log.createTopic(benchTopic, partitions);
  } finally {
    await log.close();
  }
}

/** No value of these holds a comma, a quote or a line's end. */
async function writeCsv({ data: { events, facts }, csv }: ApiData): Promise<void> {
  const { accounts, titles } = facts.shape;
  const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => i);
  await writeFile(
    csv.accounts,
    numbers(accounts)
      .map((n) => `${accountId(n)}\n`)
      .join(''),
  );
  await writeFile(
    csv.titles,
    numbers(titles)
      .map((n) => `${titleId(n)},Title number ${n},SERIES\n`)
      .join(''),
  );
  const source = await PlaybackFacts.start(facts);
  const steps = createWriteStream(csv.steps);
  const relationships = createWriteStream(csv.relationships);
  for (let done = 0; done < events; done += factsPerChunk) {
    const lines = source.take(Math.min(factsPerChunk, events - done)).map((fact) => {
      const { account, atMs, event, title, seconds, completion, reason, device } = fact;
      return {
        title,
        line: `${account},${atMs},${event},${title},${seconds},${completion},${reason},${device}`,
      };
    });
    const written = [
      steps.write(lines.map(({ line }) => `${line}\n`).join('')),
      relationships.write(lines.map(({ line, title }) => `${line},${title}\n`).join('')),
    ];
    const slow = [steps, relationships].filter((_, i) => written[i] === false);
    await Promise.all(slow.map((stream) => new Promise<void>((resolve) => stream.once('drain', resolve))));
  }
  steps.end();
  relationships.end();
  await Promise.all([finished(steps), finished(relationships)]);
}
