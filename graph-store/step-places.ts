import { must } from '../foundation/index.ts';
import { ByteReader } from './codec.ts';
import type { TimePosition } from './graph-store.ts';
import { behindBlock, behindEnds } from './named-nodes.ts';
import type { OwnerSet } from './owner-set.ts';
import {
  eventKeyBytes,
  eventLineageBytes,
  nameLengthBytes,
  nodeHashBytes,
  rankBytes,
  tag,
} from './packed-format.ts';

export interface OwnedStepPlace extends TimePosition {
  /** See `ownerKey`. */
  readonly owner: string;
}

const nodeBytes = 4;

/** The places of those steps of a packed batch whose owner is wanted. Passes over everything else by its length: this runs for every batch. */
export function stepPlaces(bytes: Buffer, owners: OwnerSet): readonly OwnedStepPlace[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const places: OwnedStepPlace[] = [];
  let eventKeyAt = 0;
  let at = 0;
  while (at < bytes.length) {
    const kind = bytes[at];
    at += 1;
    switch (kind) {
      case tag.event:
        eventKeyAt = at + rankBytes;
        at = eventKeyAt + eventKeyBytes + eventLineageBytes;
        break;
      case tag.define:
        at += nameLengthBytes + nodeHashBytes + view.getUint16(at);
        break;
      case tag.step: {
        const owner = ownerAt(bytes, view, view.getUint32(at), owners);
        if (owner !== null) places.push({ owner, ...new ByteReader(bytes, eventKeyAt).eventKey() });
        at = behindBlock(view, at + nodeBytes);
        break;
      }
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
  return places;
}

/** By its name without the NUL at the end. */
function ownerAt(bytes: Buffer, view: DataView, offset: number, owners: OwnerSet): string | null {
  const from = offset + nameLengthBytes + nodeHashBytes;
  return owners.find(bytes, from, from + view.getUint16(offset) - 1);
}
