import { must } from '../foundation/index.ts';
import {
  eventKeyBytes,
  eventLineageBytes,
  nameLengthBytes,
  nodeHashBytes,
  rankBytes,
  tag,
} from './packed-format.ts';

export const packedTagBytes = 1;
export const packedNodeBytes = 4;
const lengthBytes = 4;

/** Where the next one of a packed batch begins, behind the one whose tag is at `at`: by lengths alone, since this runs for every batch. */
export function behindPacked(view: DataView, at: number): number {
  const kind = view.getUint8(at);
  const content = at + packedTagBytes;
  switch (kind) {
    case tag.event:
      return content + rankBytes + eventKeyBytes + eventLineageBytes;
    case tag.define:
      return content + nameLengthBytes + nodeHashBytes + view.getUint16(content);
    case tag.step:
    case tag.node:
    case tag.nodeSets:
      return behindBlock(view, content + packedNodeBytes);
    case tag.edge:
      return behindBlock(view, behindEnds(view, content));
    case tag.nodeDelete:
      return content + packedNodeBytes;
    default:
      must(kind === tag.edgeDelete ? kind : null, 'a packed batch has an unknown tag');
      return behindEnds(view, content);
  }
}

function behindBlock(view: DataView, at: number): number {
  return at + lengthBytes + view.getUint32(at);
}

/** Both nodes, the type and the key. */
function behindEnds(view: DataView, at: number): number {
  const keyAt = at + 2 * packedNodeBytes + 1 + view.getUint8(at + 2 * packedNodeBytes);
  return keyAt + 1 + view.getUint8(keyAt);
}
