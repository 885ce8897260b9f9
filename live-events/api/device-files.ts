import { stripTypeScriptTypes } from 'node:module';
import { type FileAnswer, ServedFiles } from './served-files.ts';

export const deviceFilesPath = '/live/device/';

/** What `index.ts` loads in a browser, itself first; modules that hold types alone are not among them. */
const modules = [
  'index',
  'cache-entry',
  'device-cache',
  'device-connection',
  'device-ports',
  'device-socket',
  'live-device',
  'prefetch',
  'prefetch-source',
  'prefetch-ttl',
  'prefetcher',
  'protocol',
  'reconnect',
  'stage-machine',
  'stage-order',
  'stage-renderer',
] as const;

/** `.ts` in a checkout, `.js` where the package was compiled, which rewrites this very address. */
const entry = new URL('../../device/index.ts', import.meta.url);
const importOfSource = /(\bfrom '\.\/[a-z-]+)\.ts(';)/g;

/** The device client for pages, without a build: `/live/device/index.js` and the modules that it imports. */
export class DeviceFiles {
  readonly #files: ServedFiles;

  constructor(source: URL = entry) {
    const isTypeScript = source.pathname.endsWith('.ts');
    const extension = isTypeScript ? 'ts' : 'js';
    const files = new Map(modules.map((name) => [`${name}.js`, new URL(`${name}.${extension}`, source)]));
    this.#files = new ServedFiles(isTypeScript ? { files, read: asJavaScript } : { files });
  }

  /** Of a path below {@link deviceFilesPath}; null when it is none of the client's. */
  async answer(pathname: string, ifNoneMatch: string | undefined): Promise<FileAnswer | null> {
    if (!pathname.startsWith(deviceFilesPath)) return null;
    return await this.#files.answer(pathname.slice(deviceFilesPath.length), ifNoneMatch);
  }
}

/** What was a type is blank then: lines and columns stay those of the source. */
function asJavaScript(source: Buffer): Buffer {
  const script = stripTypeScriptTypes(source.toString('utf8'));
  return Buffer.from(script.replace(importOfSource, '$1.js$2'));
}
