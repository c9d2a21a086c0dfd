/**
 * The page `/explain` in a real Chromium, as built, from a file and from the API: the first difference is marked, a request is copied as
 * curl, a signature is calculated, and nothing leaves the page: every network event is watched, and an attempt is made. Where there is
 * no Chromium ($CHROMIUM, or Debian's) this says so and tests the page's text alone.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { createApiMetrics } from '../../api/metrics.ts';
import { createApi } from '../../api/server.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { FakeControl } from '../support/api-fixture.ts';
import {
  BODY,
  CORRECT,
  SECRET,
  printCanonicalText,
  printStringText,
  signTexts,
  toRequest,
} from '../support/broken-requests.ts';
import { findChromium, openBrowser } from '../support/find-chromium.ts';

const PAGE = path.join(import.meta.dirname, '../../dist/console/explain.html');
const FILE_URL = pathToFileURL(PAGE).href;

type Texts = ReturnType<typeof CORRECT>;
const printHttp = (signature: string): string => {
  const { method, path: target, query, headers } = toRequest(signature);
  const lines = headers.map(([name, value]) => `${name}: ${value}`);
  return [`${method} ${target}?${query} HTTP/1.1`, ...lines, '', BODY].join('\n');
};
const printError = (texts: Texts, signature: string): string =>
  `<Error><Code>SignatureDoesNotMatch</Code><Message>no</Message><StringToSign>${printStringText(texts)}</StringToSign>` +
  `<SignatureProvided>${signature}</SignatureProvided><CanonicalRequest>${printCanonicalText(texts).replaceAll('&', '&amp;')}</CanonicalRequest></Error>`;
/** Signed with a Host without its port, as behind a proxy that rewrites it. */
const BROKEN: Texts = {
  ...CORRECT(),
  headers: CORRECT().headers.map(([name, value]) => [name, name === 'host' ? 'store.example.com' : value]),
};
const SIGNATURE = signTexts(BROKEN);

let app: FastifyInstance;
let served: string;
before(async () => {
  app = createApi({
    // The page asks for no data, so nobody asks the ledger.
    ledger: {} as Ledger,
    control: new FakeControl(),
    config: { pipelines: new Map(), pipelineRetentionMs: new Map() },
    tokens: [],
    logger: pino({ level: 'silent' }),
    metrics: createApiMetrics(),
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  served = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}/explain`;
});
after(() => app.close());

test('the API serves the page to everyone, under the policy that is in it', async () => {
  const answer = await fetch(served);
  const text = await answer.text();
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get('content-type') ?? '', /^text\/html/);
  assert.equal(text, await readFile(PAGE, 'utf8'));
  const inside = /Content-Security-Policy" content="([^"]*)"/.exec(text)?.[1] ?? '';
  assert.equal(answer.headers.get('content-security-policy'), `${inside}; frame-ancestors 'none'`);
  assert.match(inside, /^default-src 'none'; connect-src 'none'; /);
  assert.doesNotMatch(inside, /unsafe|https?:/);
});

test('it is one file: its only script and style are inside it, named by their hashes', async () => {
  const text = await readFile(PAGE, 'utf8');
  for (const [tag, directive] of [
    ['script', 'script-src'],
    ['style', 'style-src'],
  ] as const) {
    const found = [...text.matchAll(new RegExp(`<${tag}>([^]*?)</${tag}>`, 'g'))].map(([, content = '']) => content);
    assert.equal(found.length, 1, tag);
    const hash = createHash('sha256')
      .update(found[0] ?? '')
      .digest('base64');
    assert.ok(text.includes(`${directive} 'sha256-${hash}'`), tag);
  }
  assert.doesNotMatch(
    text,
    /<script [^>]*src|<link [^>]*stylesheet|localStorage|sessionStorage|indexedDB|XMLHttpRequest|sendBeacon|WebSocket/,
  );
});

/** For each thing that is waited for. The driver's own is 30 s, which a busy machine needs for a search. */
const LIMIT_MS = 240_000;

const executable = findChromium();
if (executable === null) {
  console.log('no Chromium here: set CHROMIUM, or install it; the page is not tested in a browser');
} else {
  let browser: Browser;
  before(async () => {
    browser = await openBrowser(executable);
  });
  after(() => browser.close());

  /** A page, and everything that it asked of the network but for itself. */
  const open = async (
    url: string,
    settings: Parameters<Browser['newContext']>[0] = {},
  ): Promise<{ page: Page; context: BrowserContext; requests: string[]; close: () => Promise<void> }> => {
    const context = await browser.newContext(settings);
    context.setDefaultTimeout(LIMIT_MS);
    const page = await context.newPage();
    const requests: string[] = [];
    const note = (asked: string): void => {
      if (asked !== url && !asked.startsWith('data:')) requests.push(asked);
    };
    context.on('request', (request) => note(request.url()));
    page.on('websocket', (socket) => note(socket.url()));
    const wire = await context.newCDPSession(page);
    await wire.send('Network.enable');
    wire.on('Network.requestWillBeSent', ({ request }) => note(request.url));
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(error.message));
    await page.goto(url);
    return {
      page,
      context,
      requests,
      close: async () => {
        assert.deepEqual(errors, []);
        await context.close();
      },
    };
  };

  for (const [from, url] of [
    ['a file', () => FILE_URL],
    ['the API', () => served],
  ] as const) {
    test(`from ${from}: the cause is proved, the first difference marked, and nothing leaves the page`, async () => {
      const { page, context, requests, close } = await open(url());
      await page.getByLabel('The request').fill(printHttp(SIGNATURE));
      await page.getByLabel('Secret access key').fill(SECRET);
      await page.getByRole('button', { name: 'Explain' }).click();
      await page.locator('#verdict.found').waitFor();
      assert.match(
        await page.locator('#verdict').innerText(),
        /^Host was signed with another port.*\(proved: with it the signature holds\)/,
      );
      assert.equal(await page.locator('[data-finding]').first().getAttribute('data-finding'), 'host-port');
      const differing = page.locator('.first-difference').first();
      assert.match(await differing.innerText(), /canonical headers, host: first difference/);
      assert.deepEqual(await differing.locator('mark').allInnerTexts(), [':', '(end of line)']);
      assert.match(await differing.locator('.bytes').innerText(), /\[3a\]/);
      assert.ok(!(await page.locator('body').innerText()).includes(SECRET));
      // Neither does it keep anything.
      assert.deepEqual(await context.cookies(), []);
      const stored = await page.evaluate<number>(
        '(() => { try { return localStorage.length + sessionStorage.length } catch { return 0 } })()',
      );
      assert.equal(stored, 0);
      assert.deepEqual(requests, []);
      await close();
    });
  }

  test('two sides without a secret: what cannot be seen is written out', async () => {
    const { page, close } = await open(FILE_URL);
    const bent: Texts = { ...CORRECT(), uri: CORRECT().uri.replace(/%20/, '\u00a0') };
    await page.getByLabel('The request').fill(printError(bent, signTexts(bent)));
    await page.getByLabel('The other side').fill(printError(CORRECT(), signTexts(bent)));
    await page.getByLabel('The other side').press('Control+Enter');
    await page.locator('#verdict.found').waitFor();
    const marks = await page.locator('.first-difference mark').allInnerTexts();
    assert.deepEqual(marks, ['<U+00A0>', '%']);
    assert.match(await page.locator('.bytes').first().innerText(), /\[c2\][^]*\[25\]/);
    await close();
  });

  test('an attempt to send is stopped by the policy', async () => {
    for (const url of [FILE_URL, served]) {
      const { page, close } = await open(url);
      const target = new URL('/healthz', served).href;
      const before =
        (await fetch(new URL('/metrics', served)).then((answer) => answer.text())).match(/route="\/healthz"/g)
          ?.length ?? 0;
      // As if the page's own script were bad: each way by which a script can send.
      const outcome = await page.evaluate<string[]>(`(async () => {
        const blocked = [];
        addEventListener('securitypolicyviolation', (event) => blocked.push(event.effectiveDirective));
        await fetch('${target}').catch(() => blocked.push('fetch refused'));
        const image = new Image();
        await new Promise((done) => { image.onload = image.onerror = done; image.src = '${target}'; });
        try { new WebSocket('${target.replace('http', 'ws')}'); } catch { blocked.push('socket refused'); }
        const frame = document.createElement('iframe');
        frame.src = '${target}';
        document.body.append(frame);
        const form = document.createElement('form');
        form.action = '${target}';
        document.body.append(form);
        form.submit();
        await new Promise((done) => setTimeout(done, 300));
        return blocked;
      })()`);
      for (const directive of ['connect-src', 'img-src', 'frame-src', 'fetch refused'])
        assert.ok(outcome.includes(directive), `${directive} of ${outcome.join(', ')}`);
      assert.equal(page.url(), url, 'the form went nowhere');
      const reached =
        (await fetch(new URL('/metrics', served)).then((answer) => answer.text())).match(/route="\/healthz"/g)
          ?.length ?? 0;
      assert.equal(reached, before, 'nothing arrived');
      await close();
    }
  });

  test('with the keyboard alone: explain, calculate, copy as curl', async () => {
    const { page, context, requests, close } = await open(served);
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    const focused = (): Promise<string> => page.evaluate<string>('document.activeElement.id');
    const tabTo = async (id: string): Promise<void> => {
      for (let presses = 0; presses < 30 && (await focused()) !== id; presses++) await page.keyboard.press('Tab');
      assert.equal(await focused(), id);
      const outline = await page.evaluate<string>('getComputedStyle(document.activeElement).outlineStyle');
      assert.notEqual(outline, 'none', `${id} shows that it has the focus`);
    };
    await tabTo('first');
    await page.keyboard.insertText(printHttp(SIGNATURE));
    await tabTo('secret');
    await page.keyboard.insertText(SECRET);
    await page.keyboard.press('Enter');
    await page.locator('#verdict.found').waitFor();
    await tabTo('copy-request');
    await page.keyboard.press('Enter');
    await page.getByText('Copied as a curl command.').waitFor();
    const pasted = await page.evaluate<string>('navigator.clipboard.readText()');
    assert.ok(pasted.startsWith('curl --path-as-is --globoff'));
    assert.ok(pasted.includes(SIGNATURE) && !pasted.includes(SECRET));
    await tabTo('calculate');
    await page.keyboard.press('Enter');
    assert.equal(await page.locator('#signature').innerText(), signTexts(CORRECT()), 'what a correct signer signs');
    assert.match(await page.locator('#calculation-result h3').first().innerText(), /with the secret that was typed/);
    await tabTo('copy-calculated');
    await page.keyboard.press('Enter');
    await page.locator('#calculated', { hasText: 'Copied' }).waitFor();
    const signed = await page.evaluate<string>('navigator.clipboard.readText()');
    assert.ok(signed.includes(signTexts(CORRECT())) && !signed.includes(SECRET));
    assert.deepEqual(requests, []);
    // Cleared, nothing of it is left.
    await page.getByRole('button', { name: 'Clear' }).press('Enter');
    assert.equal(await page.locator('#secret').inputValue(), '');
    assert.equal(await page.locator('#result').isVisible(), false);
    assert.equal(await page.locator('#signature').count(), 0);
    await close();
  });

  test('without a secret no signature is calculated', async () => {
    const { page, close } = await open(FILE_URL);
    await page.getByLabel('The request').fill(printHttp(SIGNATURE));
    await page.getByRole('button', { name: 'Calculate' }).click();
    assert.match(await page.locator('#calculated').innerText(), /Type the secret/);
    assert.equal(await page.locator('#signature').count(), 0);
    await close();
  });

  test('a search that finds nothing leaves the page alive, and says what would settle it', async () => {
    const { page, close } = await open(FILE_URL);
    await page.getByLabel('The request').fill(printHttp(SIGNATURE));
    await page.getByLabel('Secret access key').fill('not-the-secret-of-this-request');
    await page.evaluate(`(() => {
      globalThis.frames = 0;
      const tick = () => { globalThis.frames += 1; requestAnimationFrame(tick); };
      requestAnimationFrame(tick);
    })()`);
    await page.getByRole('button', { name: 'Explain' }).click();
    assert.match(await page.locator('#verdict').innerText(), /Looking for the cause/);
    await page.locator('#verdict.unknown').waitFor();
    assert.ok((await page.evaluate<number>('globalThis.frames')) >= 5, 'it painted in between');
    assert.match(await page.locator('#findings').innerText(), /another secret/);
    await close();
  });

  test('at 360 px nothing is cut off or scrolls sideways, in light and in dark, with enough contrast', async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      const { page, close } = await open(FILE_URL, { colorScheme, viewport: { width: 360, height: 740 } });
      await page.getByLabel('The request').fill(printHttp(SIGNATURE));
      await page.getByLabel('Secret access key').fill(SECRET);
      await page.getByRole('button', { name: 'Explain' }).click();
      await page.locator('#verdict.found').waitFor();
      await page.getByRole('button', { name: 'Calculate' }).click();
      await page.locator('#signature').waitFor();
      const widths = await page.evaluate<number[]>('[document.documentElement.scrollWidth, innerWidth]');
      assert.deepEqual(widths, [360, 360]);
      const { contrasts, dark } = await page.evaluate<{ contrasts: { text: string; ratio: number }[]; dark: boolean }>(
        MEASURE,
      );
      assert.ok(contrasts.length > 30);
      for (const { text, ratio } of contrasts)
        assert.ok(ratio >= 4.5, `${colorScheme}: ${ratio.toFixed(2)} for ${text}`);
      assert.equal(dark, colorScheme === 'dark');
      await close();
    }
  });

  test('every field has a name, and the verdict is announced', async () => {
    const { page, close } = await open(FILE_URL);
    const unnamed = await page.evaluate<string[]>(
      `[...document.querySelectorAll('input, textarea')].filter((one) => one.labels.length === 0).map((one) => one.id)`,
    );
    assert.deepEqual(unnamed, []);
    assert.equal(await page.locator('#verdict').getAttribute('aria-live'), 'polite');
    assert.equal(await page.locator('#secret').getAttribute('type'), 'password');
    assert.equal(await page.evaluate('document.documentElement.lang'), 'en');
    await close();
  });
}

/** The contrast of every text with what is behind it, as WCAG 2.2 computes it. */
const MEASURE = `(() => {
  const channel = (value) => { const c = value / 255; return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
  const parse = (color) => color.match(/[\\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const backOf = (node) => {
    for (let at = node; at !== null; at = at.parentElement) {
      const back = parse(getComputedStyle(at).backgroundColor);
      if (back.length < 4 || back[3] === 1) return back;
    }
    return [255, 255, 255];
  };
  const contrasts = [];
  for (const node of document.querySelectorAll('body *')) {
    const own = node.matches('input, textarea') ? node.value : [...node.childNodes].filter((one) => one.nodeType === 3).map((one) => one.data).join('').trim();
    if (own === '' || node.getClientRects().length === 0) continue;
    const [a, b] = [luminance(parse(getComputedStyle(node).color)), luminance(backOf(node))];
    contrasts.push({ text: own.slice(0, 40), ratio: (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) });
  }
  return { contrasts, dark: luminance(backOf(document.body)) < 0.2 };
})()`;
