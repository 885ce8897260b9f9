import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';

export interface FileAnswer {
  readonly status: 200 | 304;
  readonly headers: Readonly<Record<string, string>>;
  /** Null with 304. */
  readonly body: Buffer | null;
}

interface ServedFile {
  readonly type: string;
  readonly etag: string;
  readonly body: Buffer;
}

export interface FileSet {
  /** Name to what it is read from: the names that are asked for reach no file system. */
  readonly files: ReadonlyMap<string, URL>;
  readonly read?: (source: Buffer) => Buffer;
  /** Sent with each file. */
  readonly headers?: Readonly<Record<string, string>>;
}

const types: ReadonlyMap<string, string> = new Map([
  ['.html', 'text/html; charset=utf-8'],
  ['.css', 'text/css; charset=utf-8'],
  ['.js', 'text/javascript; charset=utf-8'],
  ['.svg', 'image/svg+xml'],
]);

/** A few files of ours, each read when it is first asked for and kept from then on. */
export class ServedFiles {
  readonly #set: FileSet;
  readonly #served = new Map<string, Promise<ServedFile>>();

  constructor(set: FileSet) {
    this.#set = set;
  }

  /** Null when there is no file of that name. Throws when ours cannot be read. */
  async answer(name: string, ifNoneMatch: string | undefined): Promise<FileAnswer | null> {
    const source = this.#set.files.get(name);
    if (source === undefined) return null;
    const reading = this.#served.get(name) ?? this.#read(name, source);
    this.#served.set(name, reading);
    const { type, etag, body } = await reading;
    // Always asked for again: pages and scripts of one version belong together.
    const headers = { ...this.#set.headers, etag, 'cache-control': 'no-cache' };
    if (ifNoneMatch === etag) return { status: 304, headers, body: null };
    const length = String(body.length);
    return { status: 200, headers: { ...headers, 'content-type': type, 'content-length': length }, body };
  }

  async #read(name: string, source: URL): Promise<ServedFile> {
    const { read = (bytes: Buffer): Buffer => bytes } = this.#set;
    const type = types.get(extname(name));
    if (type === undefined) throw new TypeError(`${name} is of no kind that is served`);
    const body = read(await readFile(source));
    const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
    return { type, etag, body };
  }
}
