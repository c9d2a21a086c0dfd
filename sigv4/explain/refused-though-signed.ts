/** A signature that holds beside a failure that stands in the same log, or in the server's document: what that leaves. */
import type { Evidence } from '../evidence/evidence.ts';
import type { Finding } from './finding.ts';

const MESSAGE_LENGTH_MAX = 300;
const SOURCE = 'AWS, "Error responses": the code and the message say what was refused';

/** Null when nothing says that it failed. */
export function toRefused(sides: readonly Evidence[]): Finding | null {
  const error = sides.map((one) => one.error).find((one) => one !== null) ?? null;
  if (error !== null && error.code !== 'SignatureDoesNotMatch') {
    const message = error.message.slice(0, MESSAGE_LENGTH_MAX).replace(/[\s\p{Cc}]+/gu, ' ');
    return toFinding(
      'refused-though-signed',
      `the signature holds, and the server refused it with ${error.code}${message === '' ? '' : `: ${message}`}`,
      'do what the message says: it is not about how the signature was computed; who may do what is told by waybill doctor URL',
    );
  }
  const answer = sides.map((one) => one.answer ?? null).find((one) => one !== null) ?? null;
  if (answer === null) return null;
  if (answer.kind === 'none')
    return toFinding(
      'not-answered',
      `the signature holds as the client built it, but no server answered (${answer.what})`,
      'look at the endpoint, its port, and http or https: waybill doctor URL tries them one by one',
    );
  return toFinding(
    'refused-though-signed',
    `the signature holds as the client built it, but the answer was ${answer.what}: something changed the request on its way, the server has another secret, or the refusal is about something else`,
    "give the server's error XML as the second side, or run waybill doctor URL",
  );
}

const toFinding = (id: string, culprit: string, mend: string): Finding => ({
  id,
  stage: 'request',
  culprit,
  rule: 'the server signs what arrives, with the secret that it has, and compares',
  source: SOURCE,
  mend,
  proof: 'seen',
});
