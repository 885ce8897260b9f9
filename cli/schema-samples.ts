import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { SamplingSettings } from '../config/index.ts';
import { BadDataError, RefusedError } from '../foundation/index.ts';
import {
  isContainerFile,
  loadKafkaConnection,
  readContainerFile,
  readFraming,
  type SampleEnd,
  type SampleStart,
  type SourceRecord,
  sampleKafkaTopic,
} from '../ingest/index.ts';
import { AvroSchema, type SchemaRegistry } from '../schemas/index.ts';
import type { CommandIo } from './command-io.ts';
import { kafkaConnectionSettings } from './kafka-connection-settings.ts';
import { readText, unreadable } from './schema-files.ts';
import type { PreviewSample } from './schema-preview.ts';

/** What the command line asked for. */
export interface SampleBounds {
  readonly limit: number;
  readonly timeoutMs: number;
}

type Take = (sample: PreviewSample) => void;

const firstBytesMax = 512;
const lineBytesMax = 16_777_216;
const textBytesMax = 67_108_864;

/** Records of a live topic. Reads only, and joins no consumer group. */
export async function sampleTopic(
  topic: string,
  start: SampleStart,
  { limit, timeoutMs }: SampleBounds,
  settings: SamplingSettings,
  registry: SchemaRegistry,
  take: Take,
  io: CommandIo,
): Promise<SampleEnd> {
  const connection = await loadKafkaConnection(kafkaConnectionSettings(serversOf(settings), settings));
  const writers = new Writers(registry);
  const onRecord = async (record: SourceRecord, partition: number): Promise<void> =>
    take(await writers.sampleOf(record, `${topic}/${partition}/${record.offset}`, io.signal));
  const parts = { connection, clock: io.clock, signal: io.signal };
  return sampleKafkaTopic({ topic, start, limit, timeoutMs }, onRecord, parts);
}

function serversOf(settings: SamplingSettings): string {
  const servers = settings['bootstrap.servers'];
  if (servers === null) {
    throw new RefusedError(
      'BROKERS_NOT_CONFIGURED',
      'No Kafka brokers are configured: pass --bootstrap-servers localhost:9092, set bootstrap.servers, or take the samples from a file with --samples.',
    );
  }
  return servers;
}

/** Writers' schemas by their ids, asked for once each. Samples are bounded, and so is this. */
class Writers {
  readonly #registry: SchemaRegistry;
  readonly #known = new Map<number | string, AvroSchema | BadDataError>();

  constructor(registry: SchemaRegistry) {
    this.#registry = registry;
  }

  async sampleOf({ value, headers }: SourceRecord, at: string, signal: AbortSignal): Promise<PreviewSample> {
    if (value === null || value.length === 0) return { kind: 'empty', at };
    try {
      const framing = readFraming(value, headers);
      const key = framing.kind === 'id' ? framing.schemaId : framing.guid;
      let writer = this.#known.get(key);
      if (writer === undefined) {
        writer = await this.#load(key, signal);
        this.#known.set(key, writer);
      }
      if (writer instanceof BadDataError) throw writer;
      const writerId = framing.kind === 'id' ? framing.schemaId : -1;
      return { kind: 'event', at, writer, writerId, bytes: value, start: framing.start };
    } catch (error) {
      if (error instanceof BadDataError) return { kind: 'unreadable', at, code: error.code };
      throw error;
    }
  }

  async #load(key: number | string, signal: AbortSignal): Promise<AvroSchema | BadDataError> {
    try {
      if (typeof key === 'number') return new AvroSchema((await this.#registry.schemaById(key, signal)).text);
      const found = await this.#registry.schemaByGuid?.(key, signal);
      if (found !== undefined) return new AvroSchema(found.text);
      return new BadDataError('SCHEMA_GUID_UNSUPPORTED', 'This schema registry finds no schema by GUID.');
    } catch (error) {
      if (error instanceof BadDataError) return error;
      throw error;
    }
  }
}

/**
 * Samples from a file: an Avro object container file, fixtures (a folder of them, or one), or a line of JSON each. Events in JSON
 * are read with the first of `schemas` that they fit.
 *
 * @throws RefusedError `SAMPLES_UNREADABLE`, `SCHEMA_FILE_UNREADABLE`; both name the place.
 */
export async function sampleFile(
  file: string,
  { limit }: SampleBounds,
  schemas: readonly AvroSchema[],
  take: Take,
  signal: AbortSignal,
): Promise<SampleEnd> {
  let left = limit;
  for await (const sample of samplesIn(file, schemas)) {
    if (signal.aborted) return 'aborted';
    take(sample);
    left -= 1;
    if (left === 0) break;
  }
  return 'done';
}

async function* samplesIn(file: string, schemas: readonly AvroSchema[]): AsyncGenerator<PreviewSample> {
  const kind = await kindOf(file);
  if (kind === 'stream') {
    yield* streamed(file, schemas);
    return;
  }
  if (kind === 'folder') {
    for (const name of (await readdir(file)).filter((one) => one.endsWith('.json')).sort()) {
      const path = join(file, name);
      yield jsonSample(await readText(path, textBytesMax), path, schemas);
    }
    return;
  }
  const first = await firstBytes(file);
  if (isContainerFile(first)) {
    for await (const { index, writer, bytes } of readContainer(file))
      yield { kind: 'event', at: `${file}#${index}`, writer, writerId: -1, bytes, start: 0 };
  } else if (first.includes(0)) {
    throw unreadableSample(file, 'is a binary file, and no Avro object container file');
  } else if (file.endsWith('.json')) yield jsonSample(await readText(file, textBytesMax), file, schemas);
  else yield* linesOf(file, schemas);
}

async function* readContainer(file: string): ReturnType<typeof readContainerFile> {
  try {
    yield* readContainerFile(file);
  } catch (error) {
    if (error instanceof BadDataError)
      throw unreadableSample(file, `carries a schema that cannot be read: ${error.message}`);
    throw error;
  }
}

async function* linesOf(file: string, schemas: readonly AvroSchema[]): AsyncGenerator<PreviewSample> {
  const handle = await open(file).catch((cause: unknown) => {
    throw unreadable(file, 'read', cause);
  });
  try {
    let number = 0;
    let rest = '';
    for await (const chunk of handle.createReadStream({ encoding: 'utf8', autoClose: false })) {
      const lines = `${rest}${chunk}`.split('\n');
      rest = lines.pop() ?? '';
      if (rest.length > lineBytesMax)
        throw unreadableSample(`${file}:${number + 1}`, `is longer than ${lineBytesMax} characters`);
      for (const line of lines) {
        number += 1;
        if (line.trim() !== '') yield jsonSample(line, `${file}:${number}`, schemas);
      }
    }
    if (rest.trim() !== '') yield jsonSample(rest, `${file}:${number + 1}`, schemas);
  } finally {
    await handle.close();
  }
}

/** `{"event": …}` as in a fixture; what is expected of it is not looked at. */
function jsonSample(text: string, at: string, schemas: readonly AvroSchema[]): PreviewSample {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw unreadableSample(at, 'is neither JSON nor an Avro object container file');
  }
  if (typeof json !== 'object' || json === null || !('event' in json))
    throw unreadableSample(at, 'must be an object with an `event`, as the fixtures of `jg schema test`');
  const event = JSON.stringify(json.event);
  const reasons = [];
  for (const writer of schemas) {
    try {
      const bytes = writer.type.toBuffer(writer.type.fromString(event));
      return { kind: 'event', at, writer, writerId: -1, bytes, start: 0 };
    } catch (error) {
      reasons.push(error instanceof Error ? error.message : String(error));
    }
  }
  throw unreadableSample(at, `holds an event that does not fit the schema: ${reasons[0] ?? ''}`);
}

async function kindOf(file: string): Promise<'file' | 'folder' | 'stream'> {
  try {
    const found = await stat(file);
    return found.isDirectory() ? 'folder' : found.isFile() ? 'file' : 'stream';
  } catch (cause) {
    throw unreadable(file, 'read', cause);
  }
}

/** A pipe can be read only once and from its beginning, so it is held whole: one fixture, or a line each. */
async function* streamed(file: string, schemas: readonly AvroSchema[]): AsyncGenerator<PreviewSample> {
  const bytes = await readStream(file);
  if (isContainerFile(bytes.subarray(0, firstBytesMax)) || bytes.subarray(0, firstBytesMax).includes(0))
    throw unreadableSample(file, 'is a pipe with bytes that are no text: write them into a file first');
  const text = bytes.toString('utf8');
  if (isJson(text)) {
    yield jsonSample(text, file, schemas);
    return;
  }
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() !== '') yield jsonSample(line, `${file}:${index + 1}`, schemas);
  }
}

async function readStream(file: string): Promise<Buffer> {
  const handle = await open(file).catch((cause: unknown) => {
    throw unreadable(file, 'read', cause);
  });
  try {
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of handle.createReadStream({ autoClose: false })) {
      const bytes = Buffer.from(chunk);
      size += bytes.length;
      if (size > textBytesMax)
        throw unreadableSample(
          file,
          `has more than ${textBytesMax} bytes, the limit of a pipe: write them into a file first`,
        );
      chunks.push(bytes);
    }
    return Buffer.concat(chunks);
  } finally {
    await handle.close();
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

async function firstBytes(file: string): Promise<Uint8Array> {
  const handle = await open(file).catch((cause: unknown) => {
    throw unreadable(file, 'read', cause);
  });
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(firstBytesMax), 0, firstBytesMax, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

function unreadableSample(at: string, what: string): RefusedError {
  return new RefusedError('SAMPLES_UNREADABLE', `${at} ${what}.`);
}
