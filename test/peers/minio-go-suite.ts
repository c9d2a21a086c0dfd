/**
 * The functional tests of minio-go, from the program that WAYBILL_MINIO_GO_TESTS names: its functional_tests.go as the main.go of a module
 * of its own, `go build main.go`. Written against v7.4.1.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { ACCESS_KEY_ID, SECRET_ACCESS_KEY, isThere } from './servers.ts';
import { runSuiteTool, type Suite, type SuiteRun } from './suite.ts';

const LIMIT_MS = 20 * 60 * 1000;

/**
 * Signatures of version 2, encryption with the client's key or the server's, versions, Object Lock, policies, ACLs, CORS, notifications,
 * tags of buckets, POST forms, buckets in another region, and what only MinIO has. Some do that on their way to something else.
 */
const NOT_OFFERED =
  /V2$|Versioning|SSE|ncrypted|Cors|PresignedPost|BucketTagging|Notification|ACL|S3Zip|Annotations|ListObjectVersions|^test(DecryptedCopyObject|Functional|GetObjectAttributes|GetObjectAttributesErrorCases|ListMultipartUpload|ListObjectsChecksums|ListUnsorted|RemoveObjects|RemoveObjectsIter|RemoveMultipleObjectsWithResult|CopyObjectWithChecksums|ReplaceObjectWithChecksums|MakeBucketError|MakeBucketRegions)$/;

/** Some tests are run with signatures of either version under one name. */
const VERSION_2_REFUSED = 'Please use AWS4-HMAC-SHA256';

const DEVIATIONS: Readonly<Record<string, string>> = {
  testPutObjectPreconditionOnNonExistent:
    'If-None-Match of a write takes * only in S3, which answers NotImplemented to an ETag',
  testPutObjectWithAutomaticChecksums:
    'the client names CRC32C and sends no value: an object without a checksum gets a CRC64NVME',
};

export function createMinioGoSuite(): Suite {
  const program = process.env['WAYBILL_MINIO_GO_TESTS'] ?? '';
  return {
    name: 'minio-go functional tests',
    ownOf: 'minio',
    missing: findMissing(program),
    isCounted: (test) => !NOT_OFFERED.test(test),
    deviations: DEVIATIONS,
    run: async (server, temporaryDir, signal): Promise<SuiteRun> => {
      const outputFile = path.join(temporaryDir, `minio-go-${String(server.port)}.txt`);
      const env = {
        SERVER_ENDPOINT: `127.0.0.1:${String(server.port)}`,
        ACCESS_KEY: ACCESS_KEY_ID,
        SECRET_KEY: SECRET_ACCESS_KEY,
        ENABLE_HTTPS: '0',
        MINT_MODE: 'full',
        RUN_ON_FAIL: '1',
      };
      const code = await runSuiteTool(
        { command: [program], cwd: temporaryDir, env, outputFile, limitMs: LIMIT_MS },
        signal,
      );
      const outcomes = parseLog(await readFile(outputFile, 'utf8'));
      const broken = `it stopped after ${String(outcomes.size)} tests (${String(code)})`;
      return { outcomes, broken: code === 0 ? null : broken };
    },
  };
}

function findMissing(program: string): string | null {
  if (program === '') return 'WAYBILL_MINIO_GO_TESTS names no program';
  return isThere(program) ? null : `${program} is not to be had`;
}

/** A line of JSON for each thing that a test looked at; a test has passed when none of its lines says otherwise. */
function parseLog(output: string): Map<string, string | null> {
  const outcomes = new Map<string, string | null>();
  for (const line of output.split('\n')) {
    const name = /"name":"minio-go: (\w+)"/.exec(line)?.[1];
    const status = /"status":"(\w+)"/.exec(line)?.[1];
    if (name === undefined || status === undefined || line.includes(VERSION_2_REFUSED)) continue;
    if (status !== 'PASS') outcomes.set(name, /"(?:message|alert|error)":.*$/.exec(line)?.[0].slice(0, 300) ?? status);
    else if (!outcomes.has(name)) outcomes.set(name, null);
  }
  return outcomes;
}
