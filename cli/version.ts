import { existsSync, readFileSync } from 'node:fs';

/** The version in package.json, which lies one folder up, or two once the package is compiled. */
export function productVersion(): string {
  for (const path of ['../package.json', '../../package.json']) {
    const file = new URL(path, import.meta.url);
    if (!existsSync(file)) continue;
    const manifest: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (typeof manifest === 'object' && manifest !== null && 'version' in manifest)
      return String(manifest.version);
  }
  return 'unknown';
}
