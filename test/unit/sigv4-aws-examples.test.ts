/** The worked examples that AWS publishes in the S3 and IAM documentation, with their signatures. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sha256Hex, toHex } from '../../sigv4/hex.ts';
import { nodeCrypto } from '../../sigv4/node-crypto.ts';
import { presignRequest } from '../../sigv4/presign.ts';
import { signRequest } from '../../sigv4/sign.ts';
import { deriveSigningKey } from '../../sigv4/signing-key.ts';
import type { SignInput, WireRequest } from '../../sigv4/types.ts';

const EMPTY = sha256Hex(nodeCrypto, '');

function s3Example(request: Partial<WireRequest>, payloadHash = EMPTY): SignInput {
  const { method = 'GET', path = '/', query = '', headers = [] } = request;
  return {
    request: { method, path, query, headers: [['Host', 'examplebucket.s3.amazonaws.com'], ...headers] },
    credentials: {
      accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
      secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
    },
    region: 'us-east-1',
    service: 's3',
    pathRule: 's3',
    payloadHash,
    at: new Date('2013-05-24T00:00:00Z'),
  };
}

test('S3: GET Object with a range', () => {
  const signed = signRequest(nodeCrypto, s3Example({ path: '/test.txt', headers: [['Range', 'bytes=0-9']] }));
  assert.equal(signed.stages.canonicalRequestHash, '7344ae5b7ee6c3e7e6b0fe0640412a37625d1fbfff95c48bbb2dc43964946972');
  assert.equal(signed.signature, 'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41');
});

test('S3: PUT Object with a key that needs encoding', () => {
  const headers = [
    ['Date', 'Fri, 24 May 2013 00:00:00 GMT'],
    ['x-amz-storage-class', 'REDUCED_REDUNDANCY'],
  ] as const;
  const payloadHash = sha256Hex(nodeCrypto, 'Welcome to Amazon S3.');
  const expected = '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd';
  for (const path of ['/test%24file.text', '/test$file.text']) {
    assert.equal(signRequest(nodeCrypto, s3Example({ method: 'PUT', path, headers }, payloadHash)).signature, expected);
  }
});

test('S3: GET ?lifecycle', () => {
  assert.equal(
    signRequest(nodeCrypto, s3Example({ query: 'lifecycle' })).signature,
    'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543',
  );
});

test('S3: list objects with a prefix', () => {
  for (const query of ['max-keys=2&prefix=J', 'prefix=J&max-keys=2']) {
    assert.equal(
      signRequest(nodeCrypto, s3Example({ query })).signature,
      '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
    );
  }
});

test('S3: a presigned GET', () => {
  const presigned = presignRequest(nodeCrypto, {
    ...s3Example({ path: '/test.txt' }, 'UNSIGNED-PAYLOAD'),
    expiresSeconds: 86_400,
  });
  const signature = 'aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404';
  assert.equal(presigned.signature, signature);
  assert.equal(
    presigned.target,
    '/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request' +
      `&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=${signature}`,
  );
});

test('S3: the seed signature of a chunked upload', () => {
  const example = s3Example(
    { method: 'PUT', path: '/examplebucket/chunkObject.txt' },
    'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
  );
  const headers = [
    ['Host', 's3.amazonaws.com'],
    ['x-amz-storage-class', 'REDUCED_REDUNDANCY'],
    ['Content-Encoding', 'aws-chunked'],
    ['x-amz-decoded-content-length', '66560'],
    ['Content-Length', '66824'],
  ] as const;
  assert.equal(
    signRequest(nodeCrypto, { ...example, request: { ...example.request, headers } }).signature,
    '4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9',
  );
});

test('IAM: ListUsers, and the signing key of the documentation', () => {
  const secretAccessKey = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';
  const key = deriveSigningKey(nodeCrypto, secretAccessKey, { date: '20150830', region: 'us-east-1', service: 'iam' });
  assert.equal(toHex(key), 'c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9');
  const signed = signRequest(nodeCrypto, {
    request: {
      method: 'GET',
      path: '/',
      query: 'Action=ListUsers&Version=2010-05-08',
      headers: [
        ['Host', 'iam.amazonaws.com'],
        ['Content-Type', 'application/x-www-form-urlencoded; charset=utf-8'],
      ],
    },
    credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey },
    region: 'us-east-1',
    service: 'iam',
    pathRule: 'standard',
    payloadHash: EMPTY,
    at: new Date('2015-08-30T12:36:00Z'),
  });
  assert.equal(signed.signature, '5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7');
});
