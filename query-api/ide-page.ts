import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { renderGraphiQL } from '@graphql-yoga/render-graphiql';

export interface IdePage {
  readonly etag: string;
  readonly html: Buffer;
  readonly gzipped: Buffer;
}

/**
 * The GraphQL IDE as one page that loads nothing from anywhere else. It is 9 MB: made and compressed when it is first
 * asked for, then kept, because most processes never show it.
 */
export class Ide {
  readonly #defaultQuery: string;
  #page: Promise<IdePage> | null = null;

  constructor(defaultQuery: string) {
    this.#defaultQuery = defaultQuery;
  }

  page(): Promise<IdePage> {
    this.#page ??= this.#render();
    return this.#page;
  }

  async #render(): Promise<IdePage> {
    const html = Buffer.from(
      renderGraphiQL({
        title: 'Journey Graph',
        endpoint: '/graphql',
        defaultQuery: this.#defaultQuery,
      }).trimStart(),
    );
    const gzipped = await promisify(gzip)(html, { level: 6 });
    const etag = `"${createHash('sha256').update(html).digest('base64url').slice(0, 22)}"`;
    return { etag, html, gzipped };
  }
}

/** The page's own scripts and styles are inside it; it may talk to nobody but us. */
export const idePolicy = [
  "default-src 'none'",
  "script-src 'unsafe-inline' blob:",
  "style-src 'unsafe-inline'",
  "img-src 'self' data:",
  'font-src data:',
  'worker-src blob: data:',
  "connect-src 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');
