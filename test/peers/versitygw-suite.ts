/**
 * versitygw's own suite, `versitygw test full-flow` (aws-sdk-go): about 680 tests that compare codes, messages and fields word for
 * word. Written against 1.8.0.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { ACCESS_KEY_ID, SECRET_ACCESS_KEY, isThere } from './servers.ts';
import { runSuiteTool, type Suite, type SuiteRun } from './suite.ts';

const LIMIT_MS = 20 * 60 * 1000;

/** The name of a test begins with its operation. */
const COUNTED =
  /^(Authentication|PresignedAuth|(Uns|S)ignedStreaming?Payload(Trailer)?|ListBuckets|CreateBucket|HeadBucket|DeleteBucket|GetBucketLocation|ListObjects(V2)?|ListObjectVersions|ListMultipartUploads|ListParts|PutObject|GetObject|HeadObject|DeleteObjects?|CopyObject|CreateMultipartUpload|UploadPart(Copy)?|Completed?MultipartUpload|AbortMultipartUpload|GetObjectAttributes|(Put|Get|Delete)ObjectTagging)_/;

/** Object Lock, ACLs, ownership, policies, tags of buckets, and users that are made at an admin endpoint. */
const NOT_OFFERED =
  /_lock(_|$)|_locked$|legal_hold|retention|retain_until|_acl(_|$)|ownership|_as_user$|_as_admin$|_no_access$|_iam_|_fail_public$|not_owned|^CreateBucket_(duplicate_keys|invalid_tags|long_tags|tag_count_limit|existing_bucket)$|^PutObject_racey_success$|^Authentication_date_mismatch$/;

const DOTS = 'keys with . and .. are refused there; here a key is text, whatever it looks like as a path';
const QUOTES = "S3 writes the regions in single quotes: the region 'us-west-1' is wrong";
const EMPTY = 'S3, and s3-tests, have an empty element where no prefix and no marker were sent';
const COPY_412 = "S3's reference: 412 PreconditionFailed for a failed condition of a copy, of either kind";

const NO_CLASS = 'S3 has the header x-amz-storage-class for every class but STANDARD';

const DEVIATIONS: Readonly<Record<string, string>> = {
  Authentication_credentials_incorrect_region: QUOTES,
  PresignedAuth_creds_incorrect_region: QUOTES,
  Authentication_unsupported_signature_version: 'S3 tells the header as it was sent, not its first word',
  PresignedAuth_ECDSA_not_supported: 'SigV4A is refused by its name; S3 would take it',
  PresignedAuth_expired_request: "S3's message has no full stop: Request has expired",
  CompleteMultipartUpload_mpu_object_size: 'the two sizes of the message are told the other way round there',
  CompleteMultipartUpload_should_ignore_the_final_checksum: 'a wrong checksum of the object is refused, not ignored',
  CreateBucket_owned_by_you: 'in us-east-1 S3 answers 200 to a bucket that is there',
  CopyObject_conditional_reads: COPY_412,
  UploadPartCopy_conditional_reads: COPY_412,
  CopyObject_invalid_copy_source: DOTS,
  UploadPartCopy_invalid_copy_source: DOTS,
  PutObject_invalid_object_names: DOTS,
  DeleteObjects_empty_input: 'S3 answers an empty list with MalformedXML',
  GetObject_success: NO_CLASS,
  HeadObject_success: NO_CLASS,
  CopyObject_should_copy_meta_props: NO_CLASS,
  CopyObject_should_replace_meta_props: NO_CLASS,
  CopyObject_cross_bucket_server_side_copy: NO_CLASS,
  GetObject_directory_success: 'an object without a type is binary/octet-stream in S3, whatever its key ends with',
  ListBuckets_empty_success: 'earlier tests that need what is not offered leave their buckets behind',
  ListMultipartUploads_delimiter_truncated: 'a common prefix is to be told on two pages',
  ListObjectsV2_both_start_after_and_continuation_token: 'the token is to be the last key; S3 says that it is opaque',
  ListObjectsV2_list_all_objs: EMPTY,
  ListObjects_list_all_objs: EMPTY,
  PutObject_should_combine_metadata: 'a header that comes twice is refused: two readers could read it apart',
  UploadPartCopy_non_existing_bucket:
    'bucket and copy source are both wrong: the source is named, as the policy is not asked, and no bucket told, before it is parsed',
};

export const createVersitygwSuite = (): Suite => ({
  name: 'versitygw test full-flow',
  ownOf: 'versitygw',
  missing: isThere('versitygw') ? null : 'versitygw is not on PATH',
  isCounted: (test) => COUNTED.test(test) && !NOT_OFFERED.test(test),
  deviations: DEVIATIONS,
  run: async (server, temporaryDir, signal): Promise<SuiteRun> => {
    const outputFile = path.join(temporaryDir, `full-flow-${String(server.port)}.txt`);
    const keys = ['-a', ACCESS_KEY_ID, '-s', SECRET_ACCESS_KEY] as const;
    const command = ['versitygw', 'test', ...keys, '-e', server.url, 'full-flow'] as const;
    const code = await runSuiteTool(
      { command: [...command], cwd: temporaryDir, env: {}, outputFile, limitMs: LIMIT_MS },
      signal,
    );
    const output = stripVTControlCharacters(await readFile(outputFile, 'utf8'));
    const outcomes = parseFlow(output);
    // Its last lines count what it ran; an answer that it did not expect can stop it before.
    const isWhole = /^RAN:?\s|RAN:\s*\d+/m.test(output);
    return { outcomes, broken: isWhole ? null : `it stopped after ${String(outcomes.size)} tests (${String(code)})` };
  },
});

/** `PASS name`, or `FAIL name: why`. A test that is run twice has failed when it failed once. */
function parseFlow(output: string): Map<string, string | null> {
  const outcomes = new Map<string, string | null>();
  for (const [, word, name = '', why = ''] of output.matchAll(/^(PASS|FAIL)\s+(\w+):?[ \t]*(.*)$/gm)) {
    if (word === 'FAIL') outcomes.set(name, why);
    else if (!outcomes.has(name)) outcomes.set(name, null);
  }
  return outcomes;
}
