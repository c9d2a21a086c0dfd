/**
 * The region of a provider's bucket as the gateway's callers have to know it: they sign for the gateway's region, and a client that was
 * told the provider's (minio-py asks before everything else) would sign for that one and be refused. The provider is asked all the
 * same, for whether the bucket is there.
 */
import type { ServerResponse } from 'node:http';
import type { Operation } from '../../core/traffic.ts';
import { sendDocument } from '../answer/send-document.ts';
import { printDocument } from '../answer/xml.ts';

/** us-east-1 is told as nothing, as S3 does. */
export function sendBucketLocation(response: ServerResponse, region: string): void {
  sendDocument(response, printDocument('LocationConstraint', region === 'us-east-1' ? '' : region));
}

/** The one header that `answer-headers.ts` keeps back of an answer that is passed on. */
export function setBucketRegion(response: ServerResponse, operation: Operation, region: string): void {
  if (operation === 'HeadBucket') response.setHeader('x-amz-bucket-region', region);
}
