/**
 * What the provider can do that Waybill leans on. It writes a few small objects below a prefix that was allowed with --write-probe,
 * under names of this run alone, and deletes them again; without the flag it writes nothing and shows what was measured last.
 */
import { createHash, randomBytes } from 'node:crypto';
import { couldNotRun, fail, NEVER, ok, warn, type Check, type Examination, type Mend } from './check.ts';
import { BODY, CHECKSUMS } from './probe-checksums.ts';
import { loadMeasured, saveMeasured, type Capabilities } from './measured-capabilities.ts';
import { headerOf, printStatus, type Answer, type ProbeRequest } from './send-probe.ts';
import { tryProbe } from './try-probe.ts';

/** UTF-8 puts the first before the second, UTF-16 the other way round. */
const ORDERED = ['\uff5e', '\u{1f600}'];
export const checkCapabilities: Check = {
  id: 'capabilities',
  title: 'what the provider can do',
  run: async (examination) => {
    const { writeProbe, facts, target } = examination;
    if (writeProbe === null) {
      const kept = await loadMeasured(examination);
      return couldNotRun(
        'it writes objects: allow it with --write-probe BUCKET[/PREFIX]',
        ...(kept === null ? [] : [`measured at ${kept.measuredAt}, and kept:`, ...kept.evidence]),
      );
    }
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
      return judgeCapabilities(...all).then(async ({ evidence, wrong, missing, measured }) => {
        await saveMeasured(examination, { measuredAt: examination.now().toISOString(), evidence, ...measured });
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
  readonly measured: Omit<Capabilities, 'measuredAt' | 'evidence'>;
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
  const checksums: Record<string, Capabilities['checksums'][string]> = {};
  for (const [name, compute] of Object.entries(CHECKSUMS)) {
    const right = compute();
    if (right === null) continue;
    const header = `x-amz-checksum-${name}`;
    const taken = await put(`sum-${name}`, [[header, right]]);
    const refused = await put(`bad-${name}`, [[header, Buffer.from(right, 'base64').fill(0).toString('base64')]]);
    checksums[name] =
      taken?.status !== 200 ? 'refused' : refused?.status === 400 ? 'verified' : 'taken and not verified';
  }
  const kinds = Object.entries(checksums).map(([name, how]) => `${name} ${how}`);
  evidence.push(`checksums: ${kinds.join(', ')}`);
  const measured = {
    conditionalWrites: conditional,
    etags: isMd5 ? ('md5' as const) : ('opaque' as const),
    listsInUtf8Order: isUtf8,
    startAfter: isAfter,
    checksums,
  };
  return { evidence, wrong, missing, measured };
}
