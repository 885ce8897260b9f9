import { createHash, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { escapedXml, xmlElements, xmlText } from './s3-xml.ts';
import { authorization, type S3Credentials, sha256 } from './sigv4.ts';

/** What happens to a request instead of an answer. */
export type Mishap =
  /** Nothing is done, and the connection breaks. */
  | 'lost'
  /** It is done, and the connection breaks before the answer. */
  | 'done-and-lost'
  /** Half of the answer's bytes, then the connection breaks. */
  | 'cut'
  /** It is never answered. */
  | 'silent'
  | { readonly status: number; readonly code: string };

interface Held {
  readonly bytes: Buffer;
  readonly modified: string;
}

interface Asked {
  readonly method: string;
  readonly key: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

interface Told {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body?: Buffer | string;
}

/** A small S3 over HTTP that believes no request whose signature is wrong. */
export class FakeS3 {
  readonly bucket = 'archive-bucket';
  readonly region = 'eu-test-1';
  readonly credentials: S3Credentials = {
    accessKeyId: 'AKIDFAKE',
    secretAccessKey: 'very/secret+key',
    sessionToken: 'token/of==session',
  };
  readonly objects = new Map<string, Held>();
  readonly uploads = new Map<string, { readonly key: string; readonly parts: Map<number, Buffer> }>();
  /** One for each request from now on, until there are none left; null lets one pass. */
  readonly mishaps: (Mishap | null)[] = [];
  readonly requests: string[] = [];
  ignoresConditions = false;
  pageSize = 3;
  /** Lists that are cut off do not say how to go on. */
  forgetsTokens = false;
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => {
      this.#handle(request, response).catch((error: unknown) =>
        response.destroy(error instanceof Error ? error : undefined),
      );
    });
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    const address: AddressInfo | string | null = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    return `http://127.0.0.1:${address.port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const url = new URL(request.url ?? '', 'http://fake');
    const [, bucket, ...rest] = url.pathname.split('/').map(decodeURIComponent);
    const key = rest.join('/');
    const method = request.method ?? '';
    this.requests.push(`${method} ${key}${url.search}`);
    const asked = {
      method,
      key,
      query: url.searchParams,
      headers: request.headers,
      body: Buffer.concat(chunks),
    };
    const mishap = this.mishaps.shift() ?? null;
    if (mishap === 'silent') return;
    if (mishap === 'lost') return void response.destroy();
    if (typeof mishap === 'object' && mishap !== null)
      return void this.#tell(response, asked, fallen(mishap));
    const told = this.#isSigned(request, url, asked.body)
      ? bucket === this.bucket
        ? this.#answer(asked)
        : { status: 404, body: fault('NoSuchBucket') }
      : { status: 403, body: fault('SignatureDoesNotMatch') };
    if (mishap === 'done-and-lost') return void response.destroy();
    if (mishap !== 'cut') return void this.#tell(response, asked, told);
    const body = Buffer.from(told.body ?? '');
    response.writeHead(told.status, { ...told.headers, 'content-length': String(body.length) });
    response.write(body.subarray(0, body.length >> 1), () => response.destroy());
  }

  #tell(response: ServerResponse, asked: Asked, told: Told): void {
    const body = Buffer.from(told.body ?? '');
    response.writeHead(told.status, { 'content-length': String(body.length), ...told.headers });
    response.end(asked.method === 'HEAD' ? undefined : body);
  }

  #isSigned(request: IncomingMessage, url: URL, body: Buffer): boolean {
    const said = request.headers.authorization ?? '';
    const names = /SignedHeaders=([^,]*)/.exec(said)?.[1]?.split(';') ?? [];
    const headers = Object.fromEntries(names.map((name) => [name, String(request.headers[name])]));
    const payloadSha256 = sha256(body);
    if (headers['x-amz-content-sha256'] !== payloadSha256 || headers['host'] === undefined) return false;
    if (headers['x-amz-security-token'] !== this.credentials.sessionToken) return false;
    const time = String(headers['x-amz-date']);
    const at = new Date(time.replace(/(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z/, '$1-$2-$3T$4:$5:$6Z'));
    const [path = ''] = (request.url ?? '').split('?');
    const query = [...url.searchParams];
    const signed = { method: request.method ?? '', path, query, headers, payloadSha256 };
    return said === authorization(signed, this.credentials, this.region, at);
  }

  #answer(asked: Asked): Told {
    const { method, key, query, headers, body } = asked;
    if (key === '') return query.has('uploads') ? this.#listUploads() : this.#list(query);
    const upload = query.get('uploadId');
    if (upload !== null) return this.#ofUpload(asked, upload);
    const held = this.objects.get(key);
    switch (method) {
      case 'POST': {
        const id = `${randomUUID()}&<`;
        this.uploads.set(id, { key, parts: new Map() });
        return { status: 200, body: `<R><UploadId>${escapedXml(id)}</UploadId></R>` };
      }
      case 'PUT':
        if (headers['if-none-match'] === '*' && held !== undefined && !this.ignoresConditions)
          return { status: 412, body: fault('PreconditionFailed') };
        this.#keep(key, body);
        return { status: 200 };
      case 'DELETE':
        this.objects.delete(key);
        return { status: 204 };
      default:
        return held === undefined
          ? { status: 404, body: fault('NoSuchKey') }
          : ranged(held.bytes, method, headers.range);
    }
  }

  #keep(key: string, bytes: Buffer): void {
    this.objects.set(key, { bytes, modified: new Date().toISOString() });
  }

  #ofUpload({ method, key, query, body }: Asked, id: string): Told {
    const upload = this.uploads.get(id);
    if (upload === undefined || upload.key !== key) return { status: 404, body: fault('NoSuchUpload') };
    if (method === 'PUT') {
      upload.parts.set(Number(query.get('partNumber')), body);
      return { status: 200, headers: { etag: `"${md5(body)}"` } };
    }
    this.uploads.delete(id);
    if (method === 'DELETE') return { status: 204 };
    const parts = xmlElements(body.toString(), 'Part').map((part) => {
      const bytes = upload.parts.get(Number(xmlText(part, 'PartNumber')));
      if (bytes === undefined || xmlText(part, 'ETag') !== `"${md5(bytes)}"`) throw new Error('another part');
      return bytes;
    });
    this.#keep(key, Buffer.concat(parts));
    return { status: 200, body: '<R><Key>k</Key></R>' };
  }

  #listUploads(): Told {
    const uploads = [...this.uploads].map(
      ([id, { key }]) =>
        `<Upload><Key>${encodeURIComponent(key)}</Key><UploadId>${escapedXml(id)}</UploadId><Initiated>2026-01-01T00:00:00Z</Initiated></Upload>`,
    );
    return { status: 200, body: `<R>${uploads.join('')}</R>` };
  }

  #list(query: URLSearchParams): Told {
    const after = query.get('continuation-token') ?? '';
    const keys = [...this.objects.keys()]
      .filter((key) => key.startsWith(query.get('prefix') ?? ''))
      .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    const from = after === '' ? 0 : keys.indexOf(after);
    const page = keys.slice(from, from + this.pageSize);
    const next = keys[from + this.pageSize];
    const contents = page.map((key) => {
      const held = this.objects.get(key);
      const name = encodeURIComponent(key).replaceAll('%20', '+');
      return `<Contents><Key>${name}</Key><LastModified>${held?.modified}</LastModified><Size>${held?.bytes.length}</Size></Contents>`;
    });
    const more =
      next === undefined || this.forgetsTokens
        ? ''
        : `<NextContinuationToken>${escapedXml(next)}</NextContinuationToken>`;
    return {
      status: 200,
      body: `<R><IsTruncated>${next !== undefined}</IsTruncated>${contents.join('')}${more}</R>`,
    };
  }
}

function ranged(bytes: Buffer, method: string, range: string | undefined): Told {
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(range ?? '') ?? [];
  if (method === 'HEAD' || from === undefined)
    return { status: 200, body: bytes, headers: { 'content-length': String(bytes.length) } };
  if (Number(from) >= bytes.length) return { status: 416, body: fault('InvalidRange') };
  return { status: 206, body: bytes.subarray(Number(from), Number(to) + 1) };
}

/** A store that calls a clock wrong says by which it goes. */
function fallen({ status, code }: { readonly status: number; readonly code: string }): Told {
  const headers = code === 'RequestTimeTooSkewed' ? { date: new Date(0).toUTCString() } : {};
  return { status, headers, body: fault(code) };
}

function fault(code: string): string {
  return `<?xml version="1.0"?><Error><Code>${code}</Code><Message>m</Message></Error>`;
}

function md5(bytes: Buffer): string {
  return createHash('md5').update(bytes).digest('hex');
}
