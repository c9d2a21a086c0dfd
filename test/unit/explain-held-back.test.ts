/**
 * An examiner's table: breakages that were written down from AWS's pages and from what people report of clients and proxies, before
 * anybody looked at what the explainer knows. Each in every form in which a person may have it; the first sentence names the cause.
 */
import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { test } from 'node:test';
import { SignatureV4 } from '@smithy/signature-v4';
import aws4 from 'aws4';
import { explain } from '../../sigv4/explain/explain.ts';
import { printVerdict } from '../../sigv4/explain/print-explanation.ts';
import { readEvidence } from '../../sigv4/evidence/read-evidence.ts';
import { nodeCrypto } from '../../sigv4/node-crypto.ts';
import { BROKEN_CONTENT } from '../support/examiner/break-content.ts';
import { BROKEN_ON_THE_WAY } from '../support/examiner/break-on-the-way.ts';
import { BROKEN_OTHERWISE } from '../support/examiner/break-otherwise.ts';
import { BROKEN_SIGNERS } from '../support/examiner/break-signers.ts';
import type { Breakage } from '../support/examiner/breakage.ts';
import { curl, har, log, raw, rawLf, url, xml } from '../support/examiner/forms.ts';
import { AK, SK, get, splitTarget } from '../support/examiner/signer.ts';

const ALL = [...BROKEN_ON_THE_WAY, ...BROKEN_CONTENT, ...BROKEN_SIGNERS, ...BROKEN_OTHERWISE];
const BROKEN = ALL.filter(({ kind }) => kind !== 'good');
const RIGHT = ALL.filter(({ kind }) => kind === 'good');

interface Form {
  readonly name: string;
  readonly texts: readonly string[];
  readonly secret: string | null;
}

/** Which of the forms a breakage can be told from at all. */
function formsOf({ id, kind, signed, sent, canGuess, forms }: Breakage): readonly Form[] {
  const server = xml(sent, signed);
  const isPresigned = signed.plan.presign !== undefined;
  const oneSide: Form[] = [
    { name: 'dump', texts: [raw(sent)], secret: SK },
    { name: 'dump with LF', texts: [rawLf(sent)], secret: SK },
    { name: 'curl', texts: [curl(sent)], secret: SK },
    { name: 'HAR', texts: [har(sent)], secret: SK },
    ...(isPresigned && sent.method === 'GET' && sent.headers.length === 1
      ? [{ name: 'URL', texts: [url(sent)], secret: SK }]
      : []),
  ];
  const twoSides: Form[] = [
    { name: 'log and error', texts: [log(signed), server], secret: null },
    { name: 'error and log', texts: [server, log(signed)], secret: null },
    ...(kind === 'changed'
      ? [
          { name: 'dump and error', texts: [raw(signed.req), server], secret: null },
          { name: 'two dumps', texts: [raw(signed.req), raw(sent)], secret: SK },
        ]
      : []),
  ];
  // Refused before the server builds any texts, or by another code.
  const hasTexts = /^b-/.test(id)
    ? signed.plan.service !== 's3'
    : !/^(?:p-(?:sig|cut|go|u0026|auth|amp|lower|credential-252f|token-plus)|r-)/.test(id);
  // A log tells neither a CR nor a literal \n from how it was written.
  const isLogged = !/crlf|literal/.test(id) && kind !== 'good';
  return [...(canGuess ? oneSide : []), ...twoSides].filter(
    ({ name }) =>
      (hasTexts || !name.includes('error')) &&
      (isLogged || !name.includes('log')) &&
      (forms === undefined || forms.includes(OLD_NAMES[name] ?? name)),
  );
}

const OLD_NAMES: Readonly<Record<string, string>> = {
  dump: 'raw',
  'dump with LF': 'rawlf',
  HAR: 'har',
  'log and error': 'log+xml',
  'error and log': 'xml+log',
  'dump and error': 'raw+xml',
};

const ask = ({ texts, secret }: Form) =>
  explain(
    texts.flatMap((text) => readEvidence(text)),
    { crypto: nodeCrypto, secret },
  );

test('there are more than enough ways to break, each in three forms or more', () => {
  assert.ok(BROKEN.length >= 200, String(BROKEN.length));
  assert.equal(new Set(ALL.map(({ id }) => id)).size, ALL.length);
  const forms = BROKEN.map((one) => formsOf(one).length);
  assert.ok(forms.filter((count) => count >= 3).length / forms.length > 0.98);
});

test('the cause is named first', () => {
  const misses: string[] = [];
  let asked = 0;
  for (const one of BROKEN) {
    for (const form of formsOf(one)) {
      asked += 1;
      const explanation = ask(form);
      const [first] = explanation.findings;
      const said = printVerdict(explanation);
      // Of the key the texts of two sides say nothing but that it is another.
      const isKey = /^[dk]-/.test(one.id) && form.secret === null && first?.id === 'secret-differs';
      if (explanation.verdict !== 'found' || !(one.want.test(said) || one.want.test(first?.id ?? '') || isKey))
        misses.push(`${one.id}, ${form.name}: ${said}`);
    }
  }
  assert.ok(asked > 1_500, String(asked));
  assert.ok(misses.length / asked <= 0.02, `${String(misses.length)} of ${String(asked)}:\n${misses.join('\n')}`);
});

test('what cannot be told from one side is not told wrongly', () => {
  for (const one of BROKEN.filter(({ canGuess }) => !canGuess)) {
    for (const form of formsOf({ ...one, canGuess: true })) {
      if (form.texts.length > 1 || form.name !== 'dump') continue;
      const explanation = ask(form);
      const said = printVerdict(explanation);
      assert.ok(explanation.verdict === 'unknown' || one.want.test(said), `${one.id}: ${said}`);
    }
  }
});

test('a correct request is never accused', () => {
  for (const one of RIGHT) {
    for (const form of formsOf(one)) {
      if (form.texts.length > 1) continue;
      const { verdict, findings } = ask(form);
      assert.deepEqual([verdict, findings], ['holds', []], `${one.id}, ${form.name}`);
    }
  }
});

test("the examiner's signer agrees with two independent ones", async () => {
  for (const { id, signed } of RIGHT) {
    const { plan, req } = signed;
    if (plan.presign !== undefined) continue;
    const headers = Object.fromEntries(plan.signed.map((name) => [name, get(req, name)[0] ?? '']));
    const isSet = plan.signed.includes('content-type');
    // Its types do not know the last of these.
    const asked: aws4.Request & { readonly extraHeadersToIgnore: Readonly<Record<string, boolean>> } = {
      service: plan.service,
      region: plan.region,
      method: req.method,
      path: req.target,
      host: headers['host'] ?? '',
      headers: { ...headers },
      ...(req.body.length > 0 && { body: req.body }),
      extraHeadersToIgnore: { 'content-length': true, ...(isSet ? {} : { 'content-type': true }) },
    };
    const ofAws4 = aws4.sign(asked, { accessKeyId: AK, secretAccessKey: SK });
    assert.match(String(ofAws4.headers?.['Authorization']), new RegExp(signed.signature), `aws4: ${id}`);
    const signer = new SignatureV4({
      service: plan.service,
      region: plan.region,
      credentials: { accessKeyId: AK, secretAccessKey: SK },
      sha256: Sha256,
      uriEscapePath: plan.service !== 's3',
      applyChecksum: false,
    });
    const [path, query] = splitTarget(req.target);
    const ofSmithy = await signer.sign(
      {
        method: req.method,
        protocol: 'https:',
        hostname: headers['host'] ?? '',
        path,
        query: Object.fromEntries(new URLSearchParams(query)),
        headers,
        ...(req.body.length > 0 && { body: req.body }),
      },
      { signingDate: new Date('2026-01-02T03:04:05Z') },
    );
    assert.match(ofSmithy.headers['authorization'] ?? '', new RegExp(signed.signature), `smithy: ${id}`);
  }
});

class Sha256 {
  private readonly hash;
  constructor(key?: string | ArrayBuffer | ArrayBufferView) {
    this.hash = key === undefined ? createHash('sha256') : createHmac('sha256', toBytes(key));
  }
  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.hash.update(toBytes(data));
  }
  digest(): Promise<Uint8Array> {
    return Promise.resolve(this.hash.digest());
  }
}

const toBytes = (data: string | ArrayBuffer | ArrayBufferView): Buffer =>
  typeof data === 'string'
    ? Buffer.from(data)
    : ArrayBuffer.isView(data)
      ? Buffer.from(data.buffer, data.byteOffset, data.byteLength)
      : Buffer.from(data);
