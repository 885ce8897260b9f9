import { existsSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';

const paths = ['/usr/bin/chromium', '/usr/bin/google-chrome'];

/** Null where there is no Chromium. */
export const browserPath: string | null = paths.find((path) => existsSync(path)) ?? null;

export async function startBrowser(): Promise<Browser> {
  if (browserPath === null) throw new Error(`there is no Chromium at ${paths.join(' or ')}`);
  // Containers have no user namespaces for its sandbox; it sees pages of ours alone.
  return await chromium.launch({ executablePath: browserPath, args: ['--no-sandbox'] });
}

/** Whatever the page complains of: errors, warnings of the console, and what its policy forbids. */
export function complaintsOf(page: Page): string[] {
  const complaints: string[] = [];
  page.on('pageerror', ({ message }) => complaints.push(message));
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  return complaints;
}
