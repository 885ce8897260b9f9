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

/** Keeps at most `bytesMax`. After `too-large` the connection must end with the answer: the rest was not read. Never rejects. */
export function readBody(request: IncomingMessage, bytesMax: number): Promise<BodyReading> {
  const droppedMax = bytesMax * droppedFactor;
  if (Number(request.headers['content-length'] ?? 0) > droppedMax)
    return Promise.resolve({ kind: 'too-large' });
  // Who hung up before is not heard of again.
  if (request.destroyed) return Promise.resolve({ kind: 'aborted' });
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > bytesMax) chunks.length = 0;
      else chunks.push(chunk);
      if (bytes <= droppedMax) return;
      // The connection stays for the answer.
      request.pause();
      resolve({ kind: 'too-large' });
    });
    request.once('end', () => {
      if (bytes > bytesMax) return resolve({ kind: 'too-large' });
      const [only = Buffer.alloc(0), ...others] = chunks;
      const body = others.length === 0 ? only : Buffer.concat(chunks);
      resolve({ kind: 'body', text: body.toString('utf8') });
    });
    // The caller hung up: there is nobody to answer. What was settled before stays.
    const aborted = (): void => resolve({ kind: 'aborted' });
    request.on('error', aborted);
    request.once('close', aborted);
  });
}
