import { nameLengthBytes, nodeHashBytes, tag } from './packed-format.ts';
import { behindPacked, packedTagBytes } from './packed-walk.ts';

/** The ids of those nodes of a type that a packed batch says anything of, some more than once: whose properties, edges or steps it changes. */
export function* namedNodes(bytes: Buffer, type: string): Generator<string> {
  const prefix = Buffer.from(`${type}\0`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at < bytes.length; at = behindPacked(view, at)) {
    if (bytes[at] !== tag.define) continue;
    const lengthAt = at + packedTagBytes;
    const from = lengthAt + nameLengthBytes + nodeHashBytes;
    if (bytes.compare(prefix, 0, prefix.length, from, from + prefix.length) !== 0) continue;
    yield bytes.toString('utf8', from + prefix.length, from + view.getUint16(lengthAt) - 1);
  }
}
