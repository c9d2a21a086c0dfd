/**
 * What the provider can do that Waybill leans on. It writes a few small objects below a prefix that was allowed with --write-probe,
 * under names of this run alone, and deletes them again; without the flag it writes nothing and says so.
 */
import { createHash, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { couldNotRun, fail, NEVER, ok, warn, type Check, type Examination, type Mend } from './check.ts';
import { headerOf, printStatus, type Answer, type ProbeRequest } from './send-probe.ts';
import { tryProbe } from './try-probe.ts';

const BODY = new TextEncoder().encode('waybill doctor\n');
/** UTF-8 puts the first before the second, UTF-16 the other way round. */
const ORDERED = ['\uff5e', '\u{1f600}'];
const digest = (algorithm: string): string => createHash(algorithm).update(BODY).digest('base64');
const CHECKSUMS: Readonly<Record<string, () => string | null>> = {
  // zlib.crc32 came with Node 20.15.
  crc32: () => (typeof crc32 === 'function' ? toBase64(crc32(BODY)) : null),
  crc32c: () => toBase64(crc32c(BODY)),
  crc64nvme: () => crc64nvme(BODY),
  sha1: () => digest('sha1'),
  sha256: () => digest('sha256'),
};

export const checkCapabilities: Check = {
  id: 'capabilities',
  title: 'what the provider can do',
  run: async (examination) => {
    const { writeProbe, facts, target } = examination;
    if (writeProbe === null) return couldNotRun('it writes objects: allow it with --write-probe BUCKET[/PREFIX]');
    if (!facts.isReachable || facts.credentials === null) return couldNotRun('no signed request can be made');
    const written: string[] = [];
    const prefix = `${writeProbe.prefix}${randomBytes(6).toString('hex')}/`;
    const send = (request: ProbeRequest): Promise<Answer | null> =>
      tryProbe(examination, { bucket: writeProbe.bucket, ...request });
    const path = (key: string): string =>
      `/${writeProbe.bucket}/${prefix.split('/').map(encodeURIComponent).join('/')}${encodeURIComponent(key)}`;
    const put = (key: string, headers: ProbeRequest['headers'] = []): Promise<Answer | null> => {
      written.push(key);
      return send({ method: 'PUT', path: path(key), headers, body: BODY });
    };
    try {
      const first = await put('one');
      if (first === null || first.status >= 300)
        return couldNotRun(`PUT: ${first === null ? 'no answer' : printStatus(first)}`);
      return await judge(examination, first, put, send, prefix);
    } finally {
      for (const key of written) await send({ method: 'DELETE', path: path(key) });
    }
    function judge(...all: Parameters<typeof judgeCapabilities>): ReturnType<Check['run']> {
      return judgeCapabilities(...all).then(({ evidence, wrong, missing }) => {
        const mends = wrong.map(({ field, is }): Mend => ({
          current: `${field}: ${is ? 'false' : 'true'}`,
          change: `${field}: ${String(is)}, in the store ${target.name}`,
          verify: target.command,
          rollback: `${field}: ${is ? 'false' : 'true'}`,
          expires: NEVER,
        }));
        const causes = [...wrong.map(({ cause }) => cause), ...missing];
        if (causes.length === 0) return ok(evidence);
        return (wrong.some(({ is }) => !is) ? fail : warn)(evidence, {
          cause: causes.join('; '),
          mends,
          side: wrong.length > 0 ? 'yours' : 'service',
        });
      });
    }
  },
};

interface Judged {
  readonly evidence: string[];
  /** Settings of waybill.yaml that say otherwise. */
  readonly wrong: { field: string; is: boolean; cause: string }[];
  readonly missing: string[];
}

async function judgeCapabilities(
  { target, writeProbe }: Examination,
  first: Answer,
  put: (key: string, headers?: ProbeRequest['headers']) => Promise<Answer | null>,
  send: (request: ProbeRequest) => Promise<Answer | null>,
  prefix: string,
): Promise<Judged> {
  const evidence: string[] = [];
  const wrong: Judged['wrong'] = [];
  const missing: string[] = [];
  const again = await put('one', [['if-none-match', '*']]);
  const conditional = again?.status === 412;
  evidence.push(
    `conditional_writes: ${String(conditional)} (If-None-Match: * on an object that is there: ${again === null ? 'no answer' : printStatus(again)})`,
  );
  const configured = target.store?.conditionalWrites ?? null;
  if (configured !== null && configured !== conditional)
    wrong.push({
      field: 'conditional_writes',
      is: conditional,
      cause: `the store ${conditional ? 'honours' : 'ignores'} If-None-Match and waybill.yaml says otherwise`,
    });
  const isMd5 = headerOf(first, 'etag')?.replaceAll('"', '') === createHash('md5').update(BODY).digest('hex');
  evidence.push(`etags: ${isMd5 ? 'md5' : 'opaque'}`);
  if (target.store?.etags === 'md5' && !isMd5)
    missing.push('ETags are not the MD5 of the bytes: etags: opaque, in the store');
  for (const key of ORDERED) await put(key);
  const list = (query: string): Promise<Answer | null> =>
    send({
      path: `/${writeProbe?.bucket ?? ''}`,
      query: `encoding-type=url&list-type=2&prefix=${encodeURIComponent(prefix)}${query}`,
    });
  const keysOf = (answer: Answer | null): string[] =>
    [...(answer?.text ?? '').matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, key = '']) =>
      decodeURIComponent(key.replaceAll('+', '%20')).slice(prefix.length),
    );
  const keys = keysOf(await list(''));
  const isUtf8 = keys.filter((key) => key !== 'one').join() === ORDERED.join();
  evidence.push(`list order by UTF-8 bytes: ${String(isUtf8)}`);
  if (!isUtf8)
    missing.push('it does not list keys in the order of their UTF-8 bytes, which listings in shards lean on');
  const after = keysOf(await list(`&start-after=${encodeURIComponent(`${prefix}one`)}`));
  const isAfter = !after.includes('one') && after.length > 0;
  evidence.push(`start-after: ${String(isAfter)}`);
  if (!isAfter) missing.push('it does not honour start-after, so a listing cannot be cut into shards');
  const kinds: string[] = [];
  for (const [name, compute] of Object.entries(CHECKSUMS)) {
    const right = compute();
    if (right === null) continue;
    const header = `x-amz-checksum-${name}`;
    const taken = await put(`sum-${name}`, [[header, right]]);
    const refused = await put(`bad-${name}`, [[header, Buffer.from(right, 'base64').fill(0).toString('base64')]]);
    kinds.push(
      `${name} ${taken?.status === 200 ? (refused?.status === 400 ? 'verified' : 'taken and not verified') : 'refused'}`,
    );
  }
  evidence.push(`checksums: ${kinds.join(', ')}`);
  return { evidence, wrong, missing };
}

function toBase64(value: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes.toString('base64');
}

/** Castagnoli, bit by bit: a few bytes need no table. */
function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}

/** As CRC-64/NVME: reflected, begun and ended with all ones. */
function crc64nvme(bytes: Uint8Array): string {
  const ones = 0xffffffffffffffffn;
  let crc = ones;
  for (const byte of bytes) {
    crc ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit++) crc = crc & 1n ? (crc >> 1n) ^ 0x9a6c9329ac4bc9b5n : crc >> 1n;
  }
  const sum = Buffer.alloc(8);
  sum.writeBigUInt64BE(crc ^ ones);
  return sum.toString('base64');
}
