import { createRequire } from 'node:module';
import { assert, JourneyGraphError, must } from '../foundation/index.ts';
import {
  type CompressionLimits,
  type CompressionName,
  createDecompressors,
  installCompressionCodecs,
} from './compression-codecs.ts';
import { type FetchDecoding, fetchVersions, readFetchResponse } from './fetch-response.ts';
import { brokenBatch, UnreadableBatchError } from './kafka-batch-error.ts';

/** What a record's objects take is some 500 bytes, whatever it holds: so many take twice what may be unfolded. */
const bytesForRecord = 256;
/** However little may be unfolded. */
const batchRecordsLeast = 65_536;
/** As record batches number them. */
const compressionNames: readonly CompressionName[] = ['gzip', 'snappy', 'lz4', 'zstd'];

/**
 * Has kafkajs read fetched records by our own decoders in this process. Called once, by composition, before anything is fetched: what kafkajs has for it shows records of aborted
 * transactions in some orders, takes time that grows with the square of a record's headers, has no bound on what an answer unfolds to, and looks at no checksum
 * (docs/decisions/0004-kafkajs-behind-a-port.md).
 */
export function installKafkaDecoders(limits: CompressionLimits): void {
  installCompressionCodecs(limits);
  const decompressors = createDecompressors(limits);
  const load = createRequire(import.meta.url);
  const decoding: FetchDecoding = {
    bytesMax: limits.decompressedBatchBytesMax,
    recordsMax: Math.max(batchRecordsLeast, Math.ceil(limits.decompressedBatchBytesMax / bytesForRecord)),
    unfold: async (compression, compressed) => {
      const name = compressionNames[compression - 1];
      if (name === undefined) throw brokenBatch(`compression ${compression} is unknown`);
      return await decompressors[name](compressed);
    },
    readOldMessages: oldMessagesOf(load),
  };
  for (const version of fetchVersions) {
    const response: unknown = load(`kafkajs/src/protocol/requests/fetch/v${version}/response.js`);
    assert(
      typeof response === 'object' && response !== null && 'decode' in response,
      'kafkajs decodes a fetch',
    );
    response.decode = async (payload: Buffer) => {
      try {
        return await readFetchResponse(version, payload, decoding);
      } catch (error) {
        throw error instanceof JourneyGraphError ? new UnreadableBatchError(error) : error;
      }
    };
  }
}

/** kafkajs's own reading of formats 0 and 1, which a log may still begin with. */
function oldMessagesOf(load: NodeJS.Require): FetchDecoding['readOldMessages'] {
  const decoder = functionAt(load, 'kafkajs/src/protocol/decoder.js');
  const messageSet = functionAt(load, 'kafkajs/src/protocol/messageSet/decoder.js');
  return async (bytes) => {
    const decoded: unknown = Reflect.construct(decoder, [bytes]);
    const messages: unknown = await Reflect.apply(messageSet, undefined, [decoded, bytes.length]);
    assert(Array.isArray(messages), 'kafkajs reads a message set');
    return messages;
  };
}

function functionAt(load: NodeJS.Require, path: string): NewableFunction & CallableFunction {
  const found: unknown = load(path);
  return must(
    typeof found === 'function' ? found : null,
    'kafkajs has the parts that its version is pinned for',
  );
}
