import { Message, MessageHeader } from 'apache-arrow';
import { schemaMessageOf } from './arrow-footer.ts';
import { checkArrowMetadata } from './arrow-metadata-check.ts';
import type { ObjectStore } from './object-store.ts';

const fileMagic = 'ARROW1';
const metadataBytesMax = 16_777_216;
const bodyBytesMax = 1_073_741_824;
const rowsMax = 16_777_216;

/** One message of an Arrow file or stream: where it lies, and what it says of itself. Its body is not read yet. */
export interface ArrowMessage {
  readonly kind: 'schema' | 'dictionary' | 'batch';
  /** As they are in the file, the body left out. */
  readonly head: Uint8Array;
  readonly bodyAt: number;
  readonly bodyBytes: number;
  /** Of a batch. */
  readonly rows: number;
}

/** The messages up to the mark of the end, which has to be there: without it the file was cut, or never ended. */
export async function* arrowMessages(
  store: ObjectStore,
  key: string,
  fileBytes: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<ArrowMessage> {
  const read = (from: number, to: number): Promise<Uint8Array> =>
    exactly(store, key, from, to, fileBytes, signal);
  const begin = text(await read(0, 8));
  let at = 0;
  const isFile = begin.startsWith(fileMagic);
  if (isFile) {
    if (text(await read(fileBytes - fileMagic.length, fileBytes)) !== fileMagic)
      throw new Error('it does not end as Arrow files do: it is cut');
    at = 8;
  }
  for (;;) {
    const start = Buffer.from(await read(at, at + 8));
    const isMarked = start.readUInt32LE(0) === 0xffffffff;
    // Writers before 2019 put no mark in front of the length.
    const length = isMarked ? start.readInt32LE(4) : start.readInt32LE(0);
    const headAt = at + (isMarked ? 8 : 4);
    if (length === 0) return;
    if (length < 0 || length > metadataBytesMax)
      throw new Error(`what should be a message at byte ${at} claims ${length} bytes`);
    const metadata = await read(headAt, headAt + length);
    const bodyAt = headAt + length;
    checkArrowMetadata(metadata);
    const message = judged(Message.decode(metadata), at);
    if (isFile && at === 8 && message.kind !== 'schema') yield await footerSchema(read, fileBytes);
    if (message.bodyBytes > fileBytes - bodyAt)
      throw new Error(`the message at byte ${at} ends behind the file`);
    yield { ...message, head: Buffer.concat([start.subarray(0, headAt - at), metadata]), bodyAt };
    at = bodyAt + message.bodyBytes;
  }
}

/** Where the file has its schema in the footer alone. */
async function footerSchema(
  read: (from: number, to: number) => Promise<Uint8Array>,
  fileBytes: number,
): Promise<ArrowMessage> {
  const end = fileBytes - fileMagic.length - 4;
  const length = Buffer.from(await read(end, end + 4)).readInt32LE(0);
  if (length <= 0 || length > metadataBytesMax) throw new Error(`its footer claims ${length} bytes`);
  const metadata = schemaMessageOf(await read(end - length, end));
  checkArrowMetadata(metadata);
  const message = judged(Message.decode(metadata), end - length);
  const start = Buffer.alloc(8, 0xff);
  start.writeInt32LE(metadata.length, 4);
  return { ...message, head: Buffer.concat([start, metadata]), bodyAt: end };
}

function judged(message: Message, at: number): Omit<ArrowMessage, 'head' | 'bodyAt'> {
  const { bodyLength: bodyBytes, headerType } = message;
  const fault = (what: string): Error => new Error(`the message at byte ${at} ${what}`);
  if (!(bodyBytes >= 0) || bodyBytes > bodyBytesMax)
    throw fault(`claims ${bodyBytes} bytes; at most ${bodyBytesMax} are read`);
  if (message.isSchema()) return { kind: 'schema', bodyBytes, rows: 0 };
  const isDictionary = message.isDictionaryBatch();
  if (!isDictionary && !message.isRecordBatch())
    throw fault(`is of the unknown kind ${MessageHeader[headerType]}`);
  const header = isDictionary ? message.header().data : message.header();
  const rows = Number(header.length);
  if (!(rows >= 0) || rows > rowsMax) throw fault(`claims ${rows} rows; at most ${rowsMax} are read`);
  for (const { offset, length } of header.buffers)
    if (!(offset >= 0) || !(length >= 0) || offset + length > bodyBytes)
      throw fault('has a column outside of its body');
  for (const node of header.nodes)
    if (!(node.length >= 0) || node.length > rowsMax) throw fault('has a column of an impossible length');
  return { kind: isDictionary ? 'dictionary' : 'batch', bodyBytes, rows };
}

async function exactly(
  store: ObjectStore,
  key: string,
  from: number,
  to: number,
  fileBytes: number,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  if (from < 0 || to > fileBytes) throw new Error(`it ends before byte ${to}: it is cut`);
  const bytes = await store.read(key, from, to, signal);
  if (bytes.length !== to - from) throw new Error(`it ends before byte ${to}: it is cut`);
  return bytes;
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}
