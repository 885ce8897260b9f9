import { must } from '../foundation/index.ts';
import { ByteReader } from './codec.ts';
import type { TimePosition } from './graph-store.ts';
import type { NodeRef } from './model.ts';
import { eventLineageBytes, nameLengthBytes, nodeHashBytes, rankBytes, tag } from './packed-format.ts';

/** A step's owner, in a form that a packed batch can be searched for without making strings of UTF-8. */
export function ownerKey({ type, id }: NodeRef): string {
  return Buffer.from(`${type}\0${id}`).toString('latin1');
}

export interface OwnedStepPlace extends TimePosition {
  /** See {@link ownerKey}. */
  readonly owner: string;
}

/** The places of those steps of a packed batch whose owner is wanted. Passes over everything else by its length. */
export function stepPlaces(bytes: Buffer, isWanted: (owner: string) => boolean): readonly OwnedStepPlace[] {
  const reader = new ByteReader(bytes);
  const places: OwnedStepPlace[] = [];
  let event: TimePosition = { timeMs: 0, occurrence: 0n };
  while (!reader.done) {
    const kind = reader.byte();
    switch (kind) {
      case tag.event:
        reader.at += rankBytes;
        event = reader.eventKey();
        reader.at += eventLineageBytes;
        break;
      case tag.define:
        reader.at += nameLengthBytes + nodeHashBytes + bytes.readUInt16BE(reader.at);
        break;
      case tag.step: {
        const owner = ownerAt(bytes, reader.uint32());
        if (isWanted(owner)) places.push({ owner, ...event });
        passBlock(reader);
        break;
      }
      case tag.node:
      case tag.nodeSets:
        reader.at += 4;
        passBlock(reader);
        break;
      case tag.edge:
        passEnds(reader);
        passBlock(reader);
        break;
      case tag.nodeDelete:
        reader.at += 4;
        break;
      default:
        must(kind === tag.edgeDelete ? kind : null, 'a packed batch has an unknown tag');
        passEnds(reader);
    }
  }
  return places;
}

/** Its name without the NUL at the end. */
function ownerAt(bytes: Buffer, offset: number): string {
  const nameAt = offset + nameLengthBytes + nodeHashBytes;
  return bytes.toString('latin1', nameAt, nameAt + bytes.readUInt16BE(offset) - 1);
}

function passBlock(reader: ByteReader): void {
  const length = reader.uint32();
  reader.at += length;
}

/** Both nodes, the type and the key. */
function passEnds(reader: ByteReader): void {
  reader.at += 8;
  for (let names = 0; names < 2; names += 1) {
    const length = reader.byte();
    reader.at += length;
  }
}
