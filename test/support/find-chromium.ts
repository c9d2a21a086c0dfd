/** A Chromium for the tests of pages: $CHROMIUM, or Debian's. Null where there is none: the test says so and defines nothing. */
import { existsSync } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';

const DEBIANS = '/usr/bin/chromium';

export function findChromium(): string | null {
  const path = process.env['CHROMIUM'] ?? DEBIANS;
  return existsSync(path) ? path : null;
}

/** As a user of its own in a container, and asking nobody for updates, variations or translations. */
export async function openBrowser(executablePath: string): Promise<Browser> {
  return chromium.launch({
    executablePath,
    headless: true,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--no-first-run',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}
