import { assert } from '../../foundation/index.ts';

const finalText = 0x81;
const finalPing = 0x89;
const lengthInOneByteMax = 125;
const lengthInTwoBytesMax = 65_535;

/**
 * A whole text message as a server sends it (RFC 6455, 5.2): unmasked, not compressed, not fragmented. It is made once and written to
 * any number of sockets, so nobody may change it.
 */
export function textFrame(text: string): Buffer {
  const length = Buffer.byteLength(text);
  assert(length <= lengthInTwoBytesMax, 'messages of this protocol are short');
  const offset = length <= lengthInOneByteMax ? 2 : 4;
  // Not of the pool: a frame lives as long as the history, and would hold the pool's page as long.
  const frame = Buffer.allocUnsafeSlow(offset + length);
  frame[0] = finalText;
  if (offset === 2) frame[1] = length;
  else {
    frame[1] = 126;
    frame.writeUInt16BE(length, 2);
  }
  frame.write(text, offset);
  return frame;
}

export const pingFrame: Buffer = Buffer.from([finalPing, 0]);

/** For the gateway, which hears a pong, and for the device: no page is told of a ping, so that silence would tell it nothing. */
export function heartbeatFrame(nowMs: number): Buffer {
  return Buffer.concat([pingFrame, textFrame(JSON.stringify({ type: 'heartbeat', now: nowMs }))]);
}
