import { OutageError, RefusedError } from '../foundation/index.ts';
import { checkPrefix, keyParts } from './object-key.ts';
import type { ObjectStore, StoredObject } from './object-store.ts';
import {
  type S3Answer,
  S3Client,
  type S3Limits,
  type S3Parts,
  type S3Place,
  type S3Request,
} from './s3-client.ts';
import { escapedXml, xmlElements, xmlKey, xmlText } from './s3-xml.ts';

export interface S3Target extends S3Place {
  /** In front of all keys, without a slash at its end; empty for the whole bucket. */
  readonly prefix: string;
  /** What is larger goes in parts of this size: at least 5 MiB, and at most 10,000 of them. */
  readonly partBytes: number;
}

const binary = { 'content-type': 'application/octet-stream' };

/** Objects of a bucket, by S3's HTTP interface. */
export class S3ObjectStore implements ObjectStore {
  readonly location: string;
  readonly #target: S3Target;
  readonly #client: S3Client;
  readonly #above: readonly string[];

  constructor(target: S3Target, parts: S3Parts, limits: S3Limits) {
    this.#above = target.prefix === '' ? [] : keyParts(target.prefix);
    this.location = ['s3:/', target.bucket, ...this.#above].join('/');
    this.#target = target;
    this.#client = new S3Client(target, parts, limits);
  }

  close(): void {
    this.#client.close();
  }

  async size(key: string, signal?: AbortSignal): Promise<number> {
    const request = { method: 'HEAD', keyParts: this.#parts(key) } as const;
    const answer = await this.#client.send(request, signal);
    this.#checkFound(request, answer, key, [200]);
    return Number(answer.headers['content-length']);
  }

  async read(key: string, start: number, end: number, signal?: AbortSignal): Promise<Uint8Array> {
    const parts = this.#parts(key);
    // A range of nothing cannot be asked for, but what is missing has to be said.
    if (end <= start) return new Uint8Array(Math.min(0, await this.size(key, signal)));
    const headers = { range: `bytes=${start}-${end - 1}` };
    const request = { method: 'GET', keyParts: parts, headers, answerBytesMax: end - start } as const;
    const answer = await this.#client.send(request, signal);
    // Behind the end, or of an empty object.
    if (answer.status === 416) return new Uint8Array();
    this.#checkFound(request, answer, key, [200, 206]);
    const { body } = answer;
    const bytes = answer.status === 206 ? body : body.subarray(start, end);
    return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  async *list(prefix: string, signal?: AbortSignal): AsyncIterable<StoredObject> {
    checkPrefix(prefix);
    const above = this.#above.map((part) => `${part}/`).join('');
    let token: string | null = null;
    do {
      const query: [string, string][] = [
        ['list-type', '2'],
        ['encoding-type', 'url'],
        ['prefix', above + prefix],
      ];
      if (token !== null) query.push(['continuation-token', token]);
      const xml = await this.#xml({ method: 'GET', keyParts: [], query }, signal);
      for (const contents of xmlElements(xml, 'Contents')) {
        const key = xmlKey(contents).slice(above.length);
        // Consoles mark folders by empty objects, which are no keys here.
        if (key === '' || key.endsWith('/')) continue;
        const modifiedMs = Date.parse(xmlText(contents, 'LastModified') ?? '');
        yield { key, bytes: Number(xmlText(contents, 'Size')), modifiedMs };
      }
      const isTruncated = xmlText(xml, 'IsTruncated') === 'true';
      token = isTruncated ? xmlText(xml, 'NextContinuationToken') : null;
      if (isTruncated && token === null) throw cutShort(prefix);
    } while (token !== null);
  }

  async write(key: string, parts: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<number> {
    const path = this.#parts(key);
    let upload: Upload | null = null;
    let written = 0;
    try {
      for await (const part of gathered(parts, this.#target.partBytes)) {
        signal?.throwIfAborted();
        written += part.bytes.length;
        if (part.isLast && upload === null) await this.#put(path, part.bytes, signal);
        else {
          upload ??= await this.#begin(path, signal);
          await this.#putPart(upload, part.bytes, signal);
        }
      }
      if (upload !== null) await this.#complete(key, upload, written, signal);
      return written;
    } catch (error) {
      // What cannot be given up now is a leftover; the first error is the one to tell.
      if (upload !== null) await Promise.allSettled([this.#giveUp(upload.path, upload.id)]);
      throw error;
    }
  }

  async create(key: string, bytes: Uint8Array, signal?: AbortSignal): Promise<boolean> {
    const headers = { ...binary, 'if-none-match': '*' };
    const request = { method: 'PUT', keyParts: this.#parts(key), headers, body: bytes } as const;
    let answer: S3Answer;
    try {
      answer = await this.#client.send(request, signal);
    } catch (error) {
      signal?.throwIfAborted();
      // Any of the attempts may have been carried out.
      const [isHeld] = await Promise.allSettled([this.#holds(key, bytes, signal)]);
      if (isHeld.status === 'fulfilled' && isHeld.value) return true;
      throw error;
    }
    if (answer.status === 200) return true;
    if (answer.status !== 412) throw this.#client.refusal(request, answer);
    // The first try may have been carried out before its answer was lost: then it is its own object that refuses the next.
    return answer.isRepeated && (await this.#holds(key, bytes, signal));
  }

  async replace(key: string, bytes: Uint8Array, signal?: AbortSignal): Promise<void> {
    await this.#put(this.#parts(key), bytes, signal);
  }

  async remove(key: string, signal?: AbortSignal): Promise<void> {
    const request = { method: 'DELETE', keyParts: this.#parts(key) } as const;
    const answer = await this.#client.send(request, signal);
    if (answer.status !== 404 || answer.code === 'NoSuchBucket') this.#check(request, answer, [200, 204]);
  }

  async removeLeftovers(olderThanMs: number, signal?: AbortSignal): Promise<number> {
    const query: [string, string][] = [
      ['uploads', ''],
      ['encoding-type', 'url'],
      ['prefix', this.#above.map((part) => `${part}/`).join('')],
    ];
    const xml = await this.#xml({ method: 'GET', keyParts: [], query }, signal);
    let removed = 0;
    for (const upload of xmlElements(xml, 'Upload')) {
      if (!(Date.parse(xmlText(upload, 'Initiated') ?? '') < olderThanMs)) continue;
      await this.#giveUp(xmlKey(upload).split('/'), xmlText(upload, 'UploadId') ?? '', signal);
      removed += 1;
    }
    return removed;
  }

  async #holds(key: string, bytes: Uint8Array, signal: AbortSignal | undefined): Promise<boolean> {
    try {
      const found = await this.read(key, 0, bytes.length + 1, signal);
      return Buffer.compare(found, bytes) === 0;
    } catch (error) {
      if (error instanceof RefusedError && error.code === 'OBJECT_MISSING') return false;
      throw error;
    }
  }

  async #put(path: readonly string[], body: Uint8Array, signal: AbortSignal | undefined): Promise<void> {
    const request = { method: 'PUT', keyParts: path, headers: binary, body } as const;
    this.#check(request, await this.#client.send(request, signal), [200]);
  }

  async #begin(path: readonly string[], signal: AbortSignal | undefined): Promise<Upload> {
    const request = { method: 'POST', keyParts: path, query: [['uploads', '']], headers: binary } as const;
    const id = xmlText(await this.#xml(request, signal), 'UploadId');
    if (id === null)
      throw this.#client.refusal(request, { status: 200, code: 'an upload without an id', ...untold });
    return { path, id, tags: [] };
  }

  async #putPart(upload: Upload, body: Uint8Array, signal: AbortSignal | undefined): Promise<void> {
    const query = [
      ['partNumber', String(upload.tags.length + 1)],
      ['uploadId', upload.id],
    ] as const;
    const request = { method: 'PUT', keyParts: upload.path, query, body } as const;
    const answer = await this.#client.send(request, signal);
    this.#check(request, answer, [200]);
    upload.tags.push(String(answer.headers['etag']));
  }

  async #complete(
    key: string,
    upload: Upload,
    bytes: number,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const parts = upload.tags.map(
      (tag, index) => `<Part><PartNumber>${index + 1}</PartNumber><ETag>${escapedXml(tag)}</ETag></Part>`,
    );
    const body = Buffer.from(`<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`);
    const query = [['uploadId', upload.id]] as const;
    const request = { method: 'POST', keyParts: upload.path, query, body } as const;
    const answer = await this.#client.send(request, signal);
    // A try whose answer was lost may have completed it; then the upload is not there any more.
    const isDone = answer.status === 404 && answer.isRepeated && (await this.size(key, signal)) === bytes;
    if (!isDone && (answer.status !== 200 || answer.code !== null))
      throw this.#client.refusal(request, answer);
  }

  async #giveUp(path: readonly string[], id: string, signal?: AbortSignal): Promise<void> {
    const request = { method: 'DELETE', keyParts: path, query: [['uploadId', id]] } as const;
    this.#check(request, await this.#client.send(request, signal), [200, 204, 404]);
  }

  async #xml(request: S3Request, signal: AbortSignal | undefined): Promise<string> {
    const answer = await this.#client.send(request, signal);
    this.#check(request, answer, [200]);
    return answer.body.toString('utf8');
  }

  #parts(key: string): readonly string[] {
    return [...this.#above, ...keyParts(key)];
  }

  #check(request: S3Request, answer: S3Answer, expected: readonly number[]): void {
    if (!expected.includes(answer.status)) throw this.#client.refusal(request, answer);
  }

  #checkFound(request: S3Request, answer: S3Answer, key: string, expected: readonly number[]): void {
    if (answer.status === 404 && answer.code !== 'NoSuchBucket')
      throw new RefusedError('OBJECT_MISSING', `There is no ${JSON.stringify(key)} in ${this.location}.`);
    this.#check(request, answer, expected);
  }
}

const untold = { headers: {}, body: Buffer.alloc(0), isRepeated: false } as const;

interface Upload {
  readonly path: readonly string[];
  readonly id: string;
  readonly tags: string[];
}

interface Gathered {
  readonly bytes: Uint8Array;
  readonly isLast: boolean;
}

/** The same bytes in parts of one size, the last one shorter; an empty last one when there are none at all. */
async function* gathered(parts: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Gathered> {
  let held: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of parts) {
    held.push(part);
    bytes += part.length;
    while (bytes > size) {
      const all = Buffer.concat(held);
      yield { bytes: all.subarray(0, size), isLast: false };
      held = [all.subarray(size)];
      bytes -= size;
    }
  }
  yield { bytes: Buffer.concat(held), isLast: true };
}

/** A list that ends early would let objects be taken for missing. */
function cutShort(prefix: string): OutageError {
  return new OutageError(
    'OBJECT_STORE_FAILED',
    `The bucket began to list what is under ${prefix === '' ? 'its beginning' : prefix} and did not say how to go on; try again.`,
  );
}
