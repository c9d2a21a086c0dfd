/** XML documents and tags: bombs, entities, encodings, what the schema does not know, and too much of it. */
import { createHash } from 'node:crypto';
import { refused, runAttacks, served, type Attack } from '../support/attack.ts';
import { forge, type Forgery } from '../support/forge-request.ts';

const md5 = (body: string | Uint8Array): string => createHash('md5').update(body).digest('base64');
const DELETE: Forgery = { method: 'POST', path: '/kept', query: 'delete=' };
const TAGGING: Forgery = { method: 'PUT', path: '/kept/seed', query: 'tagging=' };
const COMPLETE: Forgery = { method: 'POST', query: 'uploadId=a' };
const CREATE: Forgery = { method: 'PUT', path: '/new-bucket' };

const post = (f: Forgery, body: string | Uint8Array): ((port: number) => Uint8Array) => {
  return (port) => forge(port, { ...f, body, headers: [['Content-MD5', md5(body)]] });
};
const malformed = (claim: string, f: Forgery, body: string | Uint8Array): Attack =>
  refused(claim, 400, 'MalformedXML', post(f, body));
const bad = (claim: string, status: number, code: string, f: Forgery, body: string): Attack =>
  refused(claim, status, code, post(f, body));
const tag = (key: string, value: string): string => `<Tag><Key>${key}</Key><Value>${value}</Value></Tag>`;
const tags = (...all: string[]): string => `<Tagging><TagSet>${all.join('')}</TagSet></Tagging>`;
const utf16 = (text: string): Buffer => Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(text, 'utf16le')]);
const ONE = '<Delete><Object><Key>seed</Key></Object></Delete>';
const part = (number: string, etag = 'a'.repeat(32)): string =>
  `<CompleteMultipartUpload><Part><PartNumber>${number}</PartNumber><ETag>${etag}</ETag></Part></CompleteMultipartUpload>`;
const LAUGHS = `<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "${'&a;'.repeat(10)}"><!ENTITY c "${'&b;'.repeat(10)}">]>`;

/** What no document may hold, whichever it is. */
const anywhere = (name: string, f: Forgery, root: string): Attack[] => [
  malformed(`${name}: entities of its own`, f, `${LAUGHS}<${root}>&c;</${root}>`),
  malformed(
    `${name}: a file of ours`,
    f,
    `<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><${root}>&x;</${root}>`,
  ),
  malformed(`${name}: a document type from elsewhere`, f, `<!DOCTYPE a SYSTEM "http://127.0.0.1/x"><${root}/>`),
  malformed(`${name}: an entity that nobody knows`, f, `<${root}>&x;</${root}>`),
  malformed(`${name}: a character that is none`, f, `<${root}>&#0;</${root}>`),
  malformed(`${name}: a processing instruction`, f, `<?php echo 1 ?><${root}/>`),
  malformed(`${name}: nested without end`, f, '<a>'.repeat(20_000)),
  malformed(`${name}: not closed`, f, `<${root}>`),
  malformed(`${name}: two roots`, f, `<${root}/><${root}/>`),
  malformed(`${name}: another root`, f, '<Other/>'),
  malformed(`${name}: text alone`, f, 'text'),
  malformed(`${name}: JSON`, f, '{"a":1}'),
  malformed(
    `${name}: an attribute a hundred thousand times`,
    f,
    `<${root} ${Array.from({ length: 100_000 }, (_, n) => `a${String(n)}=""`).join(' ')}/>`,
  ),
  malformed(`${name}: UTF-16`, f, utf16(`<${root}/>`)),
  malformed(`${name}: not UTF-8`, f, Buffer.from(`<${root}>\xff</${root}>`, 'latin1')),
  malformed(`${name}: zeros`, f, Buffer.alloc(100)),
  malformed(`${name}: an element that nobody knows`, f, `<${root}><Other/></${root}>`),
  bad(`${name}: above its limit`, 400, 'EntityTooLarge', f, 'x'.repeat(4 * 1024 * 1024 + 1)),
];

runAttacks([
  served(
    'a byte order mark, a declaration and a namespace',
    200,
    post(
      DELETE,
      `\uFEFF<?xml version="1.0" encoding="UTF-8"?><Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Object><Key>absent</Key></Object></Delete>`,
    ),
  ),
  served(
    'an escape that is a letter',
    200,
    post(DELETE, '<Delete><Object><Key>&#x61;&lt;b&amp;</Key></Object></Delete>'),
  ),
  served('character data', 200, post(DELETE, '<Delete><Object><Key><![CDATA[<a>]]></Key></Object></Delete>')),
  served(
    'a thousand keys',
    200,
    post(DELETE, `<Delete><Quiet>true</Quiet>${'<Object><Key>absent</Key></Object>'.repeat(1000)}</Delete>`),
  ),
  ...anywhere('DeleteObjects', DELETE, 'Delete'),
  ...anywhere('PutObjectTagging', TAGGING, 'Tagging'),
  ...anywhere('CompleteMultipartUpload', COMPLETE, 'CompleteMultipartUpload'),
  ...anywhere('CreateBucket', CREATE, 'CreateBucketConfiguration'),
  malformed('DeleteObjects of nothing', DELETE, '<Delete/>'),
  malformed('DeleteObjects of 1,001 keys', DELETE, `<Delete>${'<Object><Key>a</Key></Object>'.repeat(1001)}</Delete>`),
  malformed('DeleteObjects of an empty key', DELETE, '<Delete><Object><Key></Key></Object></Delete>'),
  malformed('DeleteObjects of an object without a key', DELETE, '<Delete><Object/></Delete>'),
  malformed(
    'DeleteObjects with two keys in one object',
    DELETE,
    '<Delete><Object><Key>a</Key><Key>seed</Key></Object></Delete>',
  ),
  malformed('DeleteObjects with nothing in it', DELETE, ''),
  refused('DeleteObjects without a checksum', 400, 'InvalidRequest', (port) => forge(port, { ...DELETE, body: ONE })),
  refused('DeleteObjects with the MD5 of another document', 400, 'BadDigest', (port) =>
    forge(port, { ...DELETE, body: ONE, headers: [['Content-MD5', md5('other')]] }),
  ),
  refused('DeleteObjects with a crc32 of another document', 400, 'BadDigest', (port) =>
    forge(port, { ...DELETE, body: ONE, headers: [['x-amz-checksum-crc32', 'AAAAAA==']] }),
  ),
  bad('DeleteObjects in a bucket that is not there', 404, 'NoSuchBucket', { ...DELETE, path: '/absent' }, ONE),

  bad(
    'eleven tags',
    400,
    'BadRequest',
    TAGGING,
    tags(...Array.from({ length: 11 }, (_, n) => tag(`k${String(n)}`, 'v'))),
  ),
  bad('a tag that stands twice', 400, 'InvalidTag', TAGGING, tags(tag('a', '1'), tag('a', '2'))),
  bad('a tag of 129 letters', 400, 'InvalidTag', TAGGING, tags(tag('k'.repeat(129), 'v'))),
  bad('a tag value of 257 letters', 400, 'InvalidTag', TAGGING, tags(tag('k', 'v'.repeat(257)))),
  bad('a tag without a name', 400, 'InvalidTag', TAGGING, tags(tag('', 'v'))),
  bad('a tag with a letter that none has', 400, 'InvalidTag', TAGGING, tags(tag('a{b}', 'v'))),
  bad('a tag of the system', 400, 'InvalidTag', TAGGING, tags(tag('aws:owner', 'v'))),
  malformed('a tag without a value', TAGGING, tags('<Tag><Key>a</Key></Tag>')),
  malformed('two sets of tags', TAGGING, '<Tagging><TagSet/><TagSet/></Tagging>'),
  malformed('no set of tags', TAGGING, '<Tagging/>'),
  bad('tags of what is not there', 404, 'NoSuchKey', { ...TAGGING, path: '/kept/absent' }, tags(tag('a', 'b'))),
  ...(
    [
      ['a tag that stands twice', 'a=1&a=2', 'InvalidArgument'],
      ['a tag without a name', '=b', 'InvalidArgument'],
      ['a tag that is no encoding', 'a=%zz', 'InvalidArgument'],
      ['a tag with a letter that none has', 'a%7B=b', 'InvalidTag'],
      ['a tag of the system', 'aws%3Aowner=b', 'InvalidTag'],
      ['eleven tags', Array.from({ length: 11 }, (_, n) => `k${String(n)}=v`).join('&'), 'BadRequest'],
    ] as const
  ).map(([claim, value, code]) =>
    refused(`${claim} in a header`, 400, code, (port) =>
      forge(port, { method: 'PUT', headers: [['x-amz-tagging', value]] }),
    ),
  ),

  malformed('a list of no parts', COMPLETE, '<CompleteMultipartUpload/>'),
  malformed(
    'a part without a number',
    COMPLETE,
    '<CompleteMultipartUpload><Part><ETag>a</ETag></Part></CompleteMultipartUpload>',
  ),
  malformed(
    'a part without an ETag',
    COMPLETE,
    '<CompleteMultipartUpload><Part><PartNumber>1</PartNumber></Part></CompleteMultipartUpload>',
  ),
  malformed('a part with two numbers', COMPLETE, part('1</PartNumber><PartNumber>2')),
  bad('a part of number 0', 400, 'InvalidArgument', COMPLETE, part('0')),
  bad('a part of number -1', 400, 'InvalidArgument', COMPLETE, part('-1')),
  bad('a list for an upload that is not there', 404, 'NoSuchUpload', COMPLETE, part('1')),
  bad(
    'an ETag that is none for an upload that is not there',
    404,
    'NoSuchUpload',
    COMPLETE,
    part('1', '&quot;abc&quot;'),
  ),
  bad(
    'a location that is not ours',
    400,
    'InvalidLocationConstraint',
    CREATE,
    '<CreateBucketConfiguration><LocationConstraint>mars</LocationConstraint></CreateBucketConfiguration>',
  ),
]);
