/** Of the message that is made: its root, its table of slots and the table with three of them, up to a multiple of eight. */
const wrapBytes = 32;
const tableAt = 16;
const slotsAt = 4;
const headerAt = 24;
const headerSchema = 1;

/**
 * The schema of an Arrow file's footer as the metadata of a message, which is what a stream begins with: apache-arrow for JavaScript writes
 * files that have it there alone. Places in a flatbuffer are relative, so a message in front of the footer can point into it, and the same walk checks
 * both before the library reads them.
 *
 * @throws Error when the footer has no schema, or points outside of itself.
 */
export function schemaMessageOf(footer: Uint8Array): Uint8Array {
  const view = new DataView(footer.buffer, footer.byteOffset, footer.byteLength);
  const root = view.getUint32(0, true);
  const slots = root - view.getInt32(root, true);
  const slotOf = (index: number): number => {
    const entry = 4 + 2 * index;
    return entry + 2 > view.getUint16(slots, true) ? 0 : view.getUint16(slots + entry, true);
  };
  const [versionSlot, schemaSlot] = [slotOf(0), slotOf(1)];
  if (schemaSlot === 0) throw new Error('its footer has no schema');
  const schemaAt = root + schemaSlot + view.getUint32(root + schemaSlot, true);
  const made = Buffer.alloc(wrapBytes + footer.length + ((8 - (footer.length % 8)) % 8));
  made.writeUInt32LE(tableAt, 0);
  // Version, kind of header, header; and no body.
  for (const [index, value] of [12, 12, 4, 6, headerAt - tableAt, 0].entries())
    made.writeUInt16LE(value, slotsAt + 2 * index);
  made.writeInt32LE(tableAt - slotsAt, tableAt);
  made.writeInt16LE(versionSlot === 0 ? 0 : view.getInt16(root + versionSlot, true), tableAt + 4);
  made.writeUInt8(headerSchema, tableAt + 6);
  made.writeUInt32LE(wrapBytes + schemaAt - headerAt, headerAt);
  made.set(footer, wrapBytes);
  return made;
}
