import { must } from '../foundation/index.ts';
import {
  eventKeyBytes,
  eventLineageBytes,
  nameLengthBytes,
  nodeHashBytes,
  rankBytes,
  tag,
} from './packed-format.ts';

const nodeBytes = 4;
const lengthBytes = 4;

/**
 * The ids of those nodes of a type that a packed batch says anything of, some more than once: whose properties, edges or steps it changes. As `stepPlaces` it passes
 * over everything else by its length, since it runs for every batch.
 */
export function* namedNodes(bytes: Buffer, type: string): Generator<string> {
  const prefix = Buffer.from(`${type}\0`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 0;
  while (at < bytes.length) {
    const kind = bytes[at];
    at += 1;
    switch (kind) {
      case tag.event:
        at += rankBytes + eventKeyBytes + eventLineageBytes;
        break;
      case tag.define: {
        const from = at + nameLengthBytes + nodeHashBytes;
        const to = from + view.getUint16(at);
        if (bytes.compare(prefix, 0, prefix.length, from, from + prefix.length) === 0)
          yield bytes.toString('utf8', from + prefix.length, to - 1);
        at = to;
        break;
      }
      case tag.step:
      case tag.node:
      case tag.nodeSets:
        at = behindBlock(view, at + nodeBytes);
        break;
      case tag.edge:
        at = behindBlock(view, behindEnds(view, at));
        break;
      case tag.nodeDelete:
        at += nodeBytes;
        break;
      default:
        must(kind === tag.edgeDelete ? kind : null, 'a packed batch has an unknown tag');
        at = behindEnds(view, at);
    }
  }
}

export function behindBlock(view: DataView, at: number): number {
  return at + lengthBytes + view.getUint32(at);
}

/** Both nodes, the type and the key. */
export function behindEnds(view: DataView, at: number): number {
  const keyAt = at + 2 * nodeBytes + 1 + view.getUint8(at + 2 * nodeBytes);
  return keyAt + 1 + view.getUint8(keyAt);
}
