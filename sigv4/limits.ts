/** The limits and the words that signing and verifying share. Source: AWS, "Authenticating Requests (AWS Signature Version 4)". */

/** How far a request's time may lie from the server's, either way; S3's own 15 minutes. */
export const CLOCK_WINDOW_MS = 15 * 60 * 1_000;

/** Seven days: a signing key is good no longer. */
export const EXPIRES_MAX_SECONDS = 604_800;

export const UNSIGNED_PAYLOAD = 'UNSIGNED-PAYLOAD';

/** What x-amz-content-sha256 may say instead of a hash; whether it is allowed is the policy's question, not the signature's. */
export const PAYLOAD_WORDS: ReadonlySet<string> = new Set([
  UNSIGNED_PAYLOAD,
  'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
  'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
  'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER',
]);
