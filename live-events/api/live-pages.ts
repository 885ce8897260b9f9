import { type FileAnswer, ServedFiles } from './served-files.ts';

export const livePagesPath = '/live/pages/';

const files = [
  'live.html',
  'live-icon.svg',
  'live.css',
  'live.js',
  'live-api.js',
  'live-screen.js',
  'live-strip.js',
  'live-coverage.js',
] as const;

/** Scripts and styles are files of ours; a page talks to us and to the gateways that it is sent to. */
function policyOf(gateways: readonly string[]): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    ["connect-src 'self'", ...gateways].join(' '),
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
}

/** The pages about live events, which lie where the composition says. */
export class LivePages {
  readonly #files: ServedFiles;

  /** `gateways`: origins of sockets beside our own, such as `wss://live.example`. */
  constructor(folder: URL, gateways: readonly string[]) {
    this.#files = new ServedFiles({
      files: new Map(files.map((name) => [name, new URL(name, folder)])),
      headers: { 'content-security-policy': policyOf(gateways) },
    });
  }

  /** Of a path below {@link livePagesPath}, which by itself is the page with the devices; null when it is none of the pages'. */
  async answer(pathname: string, ifNoneMatch: string | undefined): Promise<FileAnswer | null> {
    if (!pathname.startsWith(livePagesPath)) return null;
    const name = pathname.slice(livePagesPath.length);
    return await this.#files.answer(name === '' ? 'live.html' : name, ifNoneMatch);
  }
}
