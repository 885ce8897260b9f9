import { ByteReader } from './codec.ts';
import type { TimePosition } from './graph-store.ts';
import type { OwnerSet } from './owner-set.ts';
import { nameLengthBytes, nodeHashBytes, rankBytes, tag } from './packed-format.ts';
import { behindPacked, packedTagBytes } from './packed-walk.ts';

export interface OwnedStepPlace extends TimePosition {
  /** See `ownerKey`. */
  readonly owner: string;
}

/** The places of those steps of a packed batch whose owner is wanted. */
export function stepPlaces(bytes: Buffer, owners: OwnerSet): readonly OwnedStepPlace[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const places: OwnedStepPlace[] = [];
  let eventKeyAt = 0;
  for (let at = 0; at < bytes.length; at = behindPacked(view, at)) {
    const kind = bytes[at];
    if (kind === tag.event) eventKeyAt = at + packedTagBytes + rankBytes;
    if (kind !== tag.step) continue;
    const owner = ownerAt(bytes, view, view.getUint32(at + packedTagBytes), owners);
    if (owner !== null) places.push({ owner, ...new ByteReader(bytes, eventKeyAt).eventKey() });
  }
  return places;
}

/** By its name without the NUL at the end. */
function ownerAt(bytes: Buffer, view: DataView, offset: number, owners: OwnerSet): string | null {
  const from = offset + nameLengthBytes + nodeHashBytes;
  return owners.find(bytes, from, from + view.getUint16(offset) - 1);
}
