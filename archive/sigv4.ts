import { createHash, createHmac } from 'node:crypto';

export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export interface SignedRequest {
  readonly method: string;
  /** Encoded, as it goes into the request line. */
  readonly path: string;
  readonly query: readonly (readonly [string, string])[];
  /** All that are signed, `host` among them; names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly payloadSha256: string;
}

/**
 * The value of `authorization` by AWS Signature Version 4.
 * Source: "Authenticating Requests (AWS Signature Version 4)", Amazon S3 API reference; its examples are the tests.
 */
export function authorization(
  request: SignedRequest,
  credentials: S3Credentials,
  region: string,
  at: Date,
): string {
  const time = amzDate(at);
  const scope = `${time.slice(0, 8)}/${region}/s3/aws4_request`;
  const names = Object.keys(request.headers).sort();
  const canonical = [
    request.method,
    request.path,
    queryText(request.query),
    ...names.map((name) => `${name}:${(request.headers[name] ?? '').trim()}`),
    '',
    names.join(';'),
    request.payloadSha256,
  ].join('\n');
  const toSign = ['AWS4-HMAC-SHA256', time, scope, sha256(canonical)].join('\n');
  const key = [time.slice(0, 8), region, 's3', 'aws4_request'].reduce<Buffer | string>(
    (secret, part) => hmac(secret, part),
    `AWS4${credentials.secretAccessKey}`,
  );
  const signature = hmac(key, toSign).toString('hex');
  const who = `${credentials.accessKeyId}/${scope}`;
  return `AWS4-HMAC-SHA256 Credential=${who}, SignedHeaders=${names.join(';')}, Signature=${signature}`;
}

export function amzDate(at: Date): string {
  return at.toISOString().replace(/[-:]|\.\d{3}/g, '');
}

export function sha256(bytes: string | Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export function queryText(query: readonly (readonly [string, string])[]): string {
  const encoded = query.map(([name, value]) => [encoded3986(name), encoded3986(value)] as const);
  encoded.sort(([a], [b]) => (a < b ? -1 : 1));
  return encoded.map(([name, value]) => `${name}=${value}`).join('&');
}

export function encodedPath(parts: readonly string[]): string {
  return `/${parts.map(encoded3986).join('/')}`;
}

/** `encodeURIComponent` leaves five characters as they are that have to be encoded here. */
function encoded3986(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function hmac(key: Buffer | string, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
