import { direction, valueTag } from './packed-format.ts';

// What is the same in all events of a mapping, as it stands in a packed batch: see `packed-format.ts`. Names have been checked where the mapping was.

/** Behind its length. */
export function nameHead(name: string): Uint8Array {
  const bytes = Buffer.from(name);
  return Buffer.concat([Buffer.of(bytes.length), bytes]);
}

export function typeHead(nodeType: string): Uint8Array {
  return Buffer.from(`${nodeType}\0`);
}

/** With no key: between two nodes there is one. */
export function edgeHead(type: string): Uint8Array {
  return Buffer.concat([nameHead(type), Buffer.of(0)]);
}

export function linkHead(towards: keyof typeof direction, edgeType: string): Uint8Array {
  return Buffer.concat([Buffer.of(direction[towards]), nameHead(edgeType)]);
}

export function stepHead(domain: string, action: string, links: number): Uint8Array {
  return Buffer.concat([textHead(domain), textHead(action), Buffer.of(links)]);
}

/** A property's value. */
export function textValue(text: string): Uint8Array {
  return Buffer.concat([Buffer.of(valueTag.text), textHead(text)]);
}

/** A length of up to 128, the most that names and actions have, takes two bytes at the most. */
function textHead(text: string): Uint8Array {
  const bytes = Buffer.from(text);
  const length =
    bytes.length < 128 ? Buffer.of(bytes.length) : Buffer.of((bytes.length & 127) | 128, bytes.length >> 7);
  return Buffer.concat([length, bytes]);
}
