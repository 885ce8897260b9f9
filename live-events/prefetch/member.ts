import { RefusedError } from '../../foundation/index.ts';
import { type NodeRef, nameBytesMax, nodeIdBytesMax } from '../../graph-store/index.ts';

/** A member as `Type:id`. Throws RefusedError INVALID_MEMBER. */
export function readMember(text: string): NodeRef {
  const at = text.indexOf(':');
  const [type, id] = [text.slice(0, Math.max(0, at)), text.slice(at + 1)];
  const isType = /^[A-Za-z_][A-Za-z0-9_]*$/.test(type) && type.length <= nameBytesMax;
  const isId =
    id !== '' && !id.includes('\0') && id.length <= nodeIdBytesMax && Buffer.byteLength(id) <= nodeIdBytesMax;
  if (isType && isId) return { type, id };
  throw new RefusedError(
    'INVALID_MEMBER',
    `${JSON.stringify(text.slice(0, 64))} is no member; a member is written Type:id, such as Account:a1.`,
  );
}
