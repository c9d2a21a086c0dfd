/**
 * Ceph's s3-tests (boto3, pytest), from a checkout that WAYBILL_S3_TESTS names, by the Python of WAYBILL_S3_TESTS_PYTHON, `python3`
 * by default, that has its requirements. Written against the checkout of May 2026.
 */
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ACCESS_KEY_ID, SECRET_ACCESS_KEY, isThere, type StartedServer } from './servers.ts';
import { runSuiteTool, type Suite, type SuiteRun } from './suite.ts';

const LIMIT_MS = 20 * 60 * 1000;
const TEST_LIMIT_SECONDS = 60;
const FILES = ['s3tests/functional/test_s3.py', 's3tests/functional/test_headers.py'] as const;

/** Of things that are not offered, by the suite's own marks and by words of its names; and what the suite says that S3 fails. */
const MARKS =
  'appendobject auth_aws2 bucket_policy bucket_encryption bucket_logging bucket_logging_cleanup cloud_transition cloud_restore encryption group group_policy iam_account iam_cross_account iam_role iam_tenant iam_user lifecycle lifecycle_expiration lifecycle_transition object_lock object_ownership role_policy session_policy s3select s3website s3website_routing_rules s3website_redirect_location sns sse_s3 storage_class test_of_sts user_policy versioning webidentity_test delete_marker fails_on_aws target_by_bucket abac_test';
const WORDS =
  'acl cors anon versioned versioning policy public post_object lifecycle lock legal_hold retention website logging ownership sse encrypt torrent requestpayment payer storage_class cloud bucket_tagging notification inventory account_usage usage grant not_owned access_bucket another_user block_public restore append tenant delete_marker nonowner';

/** They set or read an ACL, or enable versions, on their way to something else. */
const NOT_OFFERED =
  /^test_(object_raw_(get(_bucket_gone|_object_gone|_x_amz_expires_.*)?|authenticated(_.*)?|put_authenticated_expired)|bucket_list_return_data|expected_bucket_owner|object_delete_key_bucket_gone|bucket_create_special_key_names|list_multipart_upload_owner|100_continue|(multipart_)?put_current_object_if_(none_)?match|put_object_current_if_match)$/;

const IF_NONE_MATCH = 'If-None-Match of a write takes * only in S3, which answers NotImplemented to an ETag';
const NO_PART = 'a part that an object has not is 416 InvalidPartNumber in S3';
const BAD_CHECKSUM = 'what is no digest of its kind is InvalidRequest in S3, not BadDigest';
const NO_SUFFIX = 'S3 tells a composite checksum in GetObjectAttributes without the number of the parts';
const SIGNED_AGAIN = "the client signs again behind the test's back, so that what it changed is in order";
const OTHER_DATE = 'the client signs with a date that no X-Amz-Date may be';

const DEVIATIONS: Readonly<Record<string, string>> = {
  test_put_object_if_match: IF_NONE_MATCH,
  test_multipart_put_object_if_match: IF_NONE_MATCH,
  test_bucket_get_location: 'S3 refuses the name us-east-1 as a LocationConstraint',
  test_multipart_copy_invalid_range: 'S3 answers InvalidArgument to a copy range outside the source',
  test_put_excess_tags: 'S3 answers BadRequest to eleven tags',
  test_multipart_get_part: NO_PART,
  test_multipart_single_get_part: NO_PART,
  test_non_multipart_get_part: NO_PART,
  test_object_checksum_sha256: BAD_CHECKSUM,
  test_object_checksum_crc64nvme: BAD_CHECKSUM,
  test_multipart_checksum_sha256: BAD_CHECKSUM,
  test_multipart_use_cksum_helper_sha256: NO_SUFFIX,
  test_multipart_use_cksum_helper_sha1: NO_SUFFIX,
  test_get_multipart_checksum_object_attributes: "a composite upload is completed with the parts' checksums in S3",
  test_multipart_resend_first_finishes_last: 'it names a part twice, which is InvalidPartOrder in S3',
  test_object_set_get_unicode_metadata:
    'it sends a latin-1 byte in metadata and wants that byte; text goes out as UTF-8',
  test_object_write_with_chunked_transfer_encoding:
    'a plain hash of a body needs its length; S3 is of that opinion too',
  test_object_read_unreadable: 'a key of any characters is a key: NoSuchKey',
  test_object_create_bad_contentlength_none: SIGNED_AGAIN,
  test_object_create_bad_authorization_empty: SIGNED_AGAIN,
  test_object_create_bad_authorization_none: SIGNED_AGAIN,
  test_bucket_create_bad_authorization_empty: SIGNED_AGAIN,
  test_bucket_create_bad_authorization_none: SIGNED_AGAIN,
  test_object_create_date_and_amz_date: OTHER_DATE,
  test_object_create_amz_date_and_no_date: OTHER_DATE,
};

export function createS3TestsSuite(): Suite {
  const checkout = process.env['WAYBILL_S3_TESTS'] ?? '';
  const python = process.env['WAYBILL_S3_TESTS_PYTHON'] ?? 'python3';
  return {
    name: 'ceph s3-tests',
    ownOf: '',
    missing: findMissing(checkout, python),
    isCounted: (test) => !NOT_OFFERED.test(test),
    deviations: DEVIATIONS,
    run: async (server, temporaryDir, signal): Promise<SuiteRun> => {
      const configuration = path.join(temporaryDir, `s3-tests-${String(server.port)}.conf`);
      await writeFile(configuration, printConfiguration(server));
      const outputFile = path.join(temporaryDir, `s3-tests-${String(server.port)}.txt`);
      const pytest = ['-m', 'pytest', '-p', 'no:cacheprovider', '-v', '-rfE', '--tb=no'] as const;
      const selection = ['-m', noneOf(MARKS), '-k', noneOf(WORDS)] as const;
      // With pytest-timeout, if that is there; a test that never ends is stopped with the suite otherwise.
      const limit = ['-o', `timeout=${String(TEST_LIMIT_SECONDS)}`] as const;
      const code = await runSuiteTool(
        {
          command: [python, ...pytest, ...limit, ...selection, ...FILES],
          cwd: checkout,
          env: { S3TEST_CONF: configuration, PYTHONDONTWRITEBYTECODE: '1' },
          outputFile,
          limitMs: LIMIT_MS,
        },
        signal,
      );
      const outcomes = parsePytest(await readFile(outputFile, 'utf8'));
      // 1 says that tests failed.
      return { outcomes, broken: code === 0 || code === 1 ? null : `pytest ended with ${String(code)}` };
    },
  };
}

function findMissing(checkout: string, python: string): string | null {
  if (checkout === '') return 'WAYBILL_S3_TESTS names no checkout';
  if (!FILES.every((file) => existsSync(path.join(checkout, file)))) return `${checkout} is no checkout of s3-tests`;
  return isThere(python) ? null : `${python} is not to be had`;
}

const noneOf = (names: string): string => `not (${names.split(' ').join(' or ')})`;

function parsePytest(output: string): Map<string, string | null> {
  const outcomes = new Map<string, string | null>();
  const why = new Map<string, string>();
  for (const [, name = '', reason = ''] of output.matchAll(/^(?:FAILED|ERROR) \S+::(\w+) - (.*)$/gm))
    why.set(name, reason);
  for (const [, name = '', word] of output.matchAll(/^\S+::(\w+) (PASSED|FAILED|ERROR)/gm)) {
    if (word !== 'PASSED') outcomes.set(name, why.get(name) ?? '');
    else if (!outcomes.has(name)) outcomes.set(name, null);
  }
  return outcomes;
}

/** All of its users are the one that there is. */
function printConfiguration({ port }: StartedServer): string {
  const user = `display_name = ${ACCESS_KEY_ID}
user_id = ${ACCESS_KEY_ID}
email = one@example.com
access_key = ${ACCESS_KEY_ID}
secret_key = ${SECRET_ACCESS_KEY}
`;
  return `[DEFAULT]
host = 127.0.0.1
port = ${String(port)}
is_secure = False
ssl_verify = False

[fixtures]
bucket prefix = peers-{random}-
iam name prefix = peers-
iam path prefix = /peers/

[s3 main]
api_name = us-east-1
${user}
[s3 alt]
${user}
[s3 tenant]
tenant = none
${user}
[iam]
${user}
[iam root]
${user}
[iam alt root]
${user}
[webidentity]
token = none
aud = none
sub = none
azp = none
user_token = none
thumbprint = none
kc_realm = none
`;
}
