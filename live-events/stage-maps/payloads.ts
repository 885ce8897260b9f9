import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { brotliCompress, constants } from 'node:zlib';
import type { Segment } from './live-plan.ts';
import { encodeStageMap } from './show.ts';
import type { PayloadRow, SegmentPayloads } from './stage-map-rows.ts';

const compress = promisify(brotliCompress);
/** Far above 5 compression takes many times as long and gains little on texts of some kilobytes. */
const quality = 5;

export interface Payloads {
  /** In the order of the segments. */
  readonly ofSegments: readonly SegmentPayloads[];
  readonly rows: readonly PayloadRow[];
  readonly compressed: ReadonlyMap<string, Uint8Array>;
}

/** The distinct stage maps of a plan: however many segments and kinds of devices show the same, it is kept once. */
export async function payloadsOf(segments: readonly Segment[]): Promise<Payloads> {
  const texts = new Map<string, string>();
  const hashed = (map: Parameters<typeof encodeStageMap>[0]): string => {
    const text = encodeStageMap(map);
    const hash = createHash('sha256').update(text).digest('base64url').slice(0, 22);
    texts.set(hash, text);
    return hash;
  };
  const ofSegments = segments.map(({ maps: { tv, phone, tablet, web } }) => ({
    tv: hashed(tv),
    phone: hashed(phone),
    tablet: hashed(tablet),
    web: hashed(web),
  }));
  const compressed = new Map<string, Uint8Array>();
  const rows: PayloadRow[] = [];
  for (const [hash, text] of texts) {
    const bytes = await compress(text, { params: { [constants.BROTLI_PARAM_QUALITY]: quality } });
    compressed.set(hash, bytes);
    rows.push({ hash, rawBytes: Buffer.byteLength(text), compressedBytes: bytes.length });
  }
  return { ofSegments, rows, compressed };
}
