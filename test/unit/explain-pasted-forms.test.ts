/** A request that is right, in the many ways in which people come by one: each is read whole, and nothing in it is accused. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explain } from '../../sigv4/explain/explain.ts';
import { readEvidence } from '../../sigv4/evidence/read-evidence.ts';
import { nodeCrypto } from '../../sigv4/node-crypto.ts';
import { download, listing, plan, toPresign, unsigned, upload } from '../support/examiner/breakage.ts';
import { raw, url } from '../support/examiner/forms.ts';
import { SK, get, sign, splitTarget, type Request } from '../support/examiner/signer.ts';

const ask = (text: string) => explain(readEvidence(text), { crypto: nodeCrypto, secret: SK });
const headersOf = ({ headers }: Request) => headers.filter(([name]) => !/^(?:host|content-length)$/i.test(name));

const list = sign(listing(), plan()).req;
const put = sign(upload(), plan()).req;
const lines = raw(sign(download(), plan()).req).trimEnd().split('\r\n');
const [path, query] = splitTarget(list.target);
const ofList = headersOf(list).map(([name, value]) => `-H '${name}: ${value}'`);
const origin = `https://${get(list, 'host')[0] ?? ''}`;
const presigned = url(sign(unsigned('/my-bucket/a.txt'), toPresign()).req);

const REQUESTS: readonly (readonly [form: string, text: string])[] = [
  [
    'curl -G with its parameters as data',
    `curl -G '${origin}${path}' ${query
      .split('&')
      .map((one) => `-d '${one}'`)
      .join(' ')} ${ofList.join(' ')}`,
  ],
  [
    'curl as Chrome copies it',
    `curl '${url(put)}' \\\n  -X 'PUT' \\\n${headersOf(put)
      .map(([name, value]) => `  -H '${name.toLowerCase()}: ${value}' \\\n`)
      .join('')}  --data-raw $'${put.body.toString().replaceAll('\n', '\\n')}' \\\n  --compressed`,
  ],
  [
    'curl as browsers copy it for cmd.exe',
    `curl --request GET ^"${url(list).replaceAll('&', '^&').replaceAll('%', '^%')}^" ^\n${headersOf(list)
      .map(([name, value]) => `  -H ^"${name}: ${value}^"`)
      .join(' ^\n')}`,
  ],
  [
    'curl as Postman writes it',
    `curl --location --request PUT '${url(put)}' \\\n${headersOf(put)
      .map(([name, value]) => `--header '${name}: ${value}' \\\n`)
      .join('')}--data-raw '${put.body.toString()}'`,
  ],
  [
    'the headers that Apache HttpClient logs',
    lines
      .map((one) => `2026-11-22 10:11:12,123 [main] DEBUG org.apache.http.headers - http-outgoing-0 >> ${one}`)
      .join('\n'),
  ],
  [
    'the wire that Apache HttpClient logs',
    lines
      .map((one) => `2026-11-22 10:11:12,123 [main] DEBUG org.apache.http.wire - http-outgoing-0 >> "${one}[\\r][\\n]"`)
      .join('\n'),
  ],
  ['mc --debug', `mc: <DEBUG> ${lines.join('\n')}\n\nmc: <DEBUG> HTTP/1.1 403 Forbidden\nServer: MinIO\n`],
  [
    'mc admin trace',
    `[REQUEST s3.GetObject] [2026-11-22T10:11:12.000] [Client IP: 192.0.2.1]\n${(lines[0] ?? '').replace(' HTTP/1.1', '')}\nProto: HTTP/1.1\n${lines.slice(1).join('\n')}\n\n[RESPONSE] [2026-11-22T10:11:12.001]\n403 Forbidden\n`,
  ],
  [
    'the dump of the SDK for Go 1',
    `2026/11/22 10:11:12 DEBUG: Request s3/GetObject Details:\n---[ REQUEST POST-SIGN ]-----------------------------\n${lines.join('\n')}\n\n-----------------------------------------------------`,
  ],
  ['a presigned URL in brackets', `(${presigned})`],
  ['a presigned URL in Markdown', `see [the file](${presigned})`],
  ['a presigned URL in a sentence', `Please download it from ${presigned} until tonight.`],
  ['a presigned URL in JSON', `{"url": "${presigned}"}`],
  ['a presigned URL in a call of fetch', `fetch("${presigned}", { "method": "GET" });`],
  ['a presigned URL with a fragment', `${presigned}#top`],
];

for (const [form, text] of REQUESTS) {
  test(`read whole, and not accused: ${form}`, () => {
    const { verdict, findings } = ask(text);
    assert.deepEqual([verdict, findings], ['holds', []]);
  });
}

test('a presigned URL that was escaped for what it stands in is named so', () => {
  const html = ask(`<a href="${presigned.replaceAll('&', '&amp;')}">x</a>`);
  assert.match(html.findings[0]?.culprit ?? '', /&amp;/);
  const json = ask(`{"url": "${presigned.replaceAll('&', '\\u0026')}"}`);
  assert.match(json.findings[0]?.culprit ?? '', /u0026/);
});

test('a URL without quotes in a shell is noticed', () => {
  assert.match(ask(`curl ${presigned}`).notes.join(), /without quotes/);
  assert.doesNotMatch(ask(`curl '${presigned}'`).notes.join(), /without quotes/);
});
