import type { IncomingMessage } from 'node:http';

export type BodyReading =
  | { readonly kind: 'body'; readonly text: string }
  | { readonly kind: 'too-large' }
  | { readonly kind: 'aborted' };

/** Reads at most `bytesMax`: a larger body is given up as soon as that is known. */
export async function readBody(request: IncomingMessage, bytesMax: number): Promise<BodyReading> {
  if (Number(request.headers['content-length'] ?? 0) > bytesMax) return { kind: 'too-large' };
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of request) {
      const buffer = Buffer.from(chunk);
      bytes += buffer.length;
      if (bytes > bytesMax) return { kind: 'too-large' };
      chunks.push(buffer);
    }
  } catch {
    // The caller hung up: there is nobody to answer.
    return { kind: 'aborted' };
  }
  return { kind: 'body', text: Buffer.concat(chunks).toString('utf8') };
}
