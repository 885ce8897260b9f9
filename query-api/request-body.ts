import type { IncomingMessage } from 'node:http';

export type BodyReading =
  | { readonly kind: 'body'; readonly text: string }
  | { readonly kind: 'too-large' }
  | { readonly kind: 'aborted' };

/**
 * A caller that is still sending when the connection is cut does not get to see the answer. So what is too large is read on
 * and dropped up to this many times the limit; then it is cut.
 */
const droppedFactor = 16;

/** Keeps at most `bytesMax`. After `too-large` the connection must end with the answer: the rest was not read. */
export async function readBody(request: IncomingMessage, bytesMax: number): Promise<BodyReading> {
  const droppedMax = bytesMax * droppedFactor;
  if (Number(request.headers['content-length'] ?? 0) > droppedMax) return { kind: 'too-large' };
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of request) {
      const buffer = Buffer.from(chunk);
      bytes += buffer.length;
      if (bytes > bytesMax) chunks.length = 0;
      else chunks.push(buffer);
      if (bytes > droppedMax) break;
    }
  } catch {
    // The caller hung up: there is nobody to answer.
    return { kind: 'aborted' };
  }
  if (bytes > bytesMax) return { kind: 'too-large' };
  return { kind: 'body', text: Buffer.concat(chunks).toString('utf8') };
}
