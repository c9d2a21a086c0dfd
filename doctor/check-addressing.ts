/** Path style and virtual-host style, both tried: the one that is configured must work, and the other is the mend where it does not. */
import { couldNotRun, fail, NEVER, ok, type Check, type Examination } from './check.ts';
import { controlProbe } from './control-probe.ts';
import { isIP } from 'node:net';
import { ReachFailure } from './open-socket.ts';
import { isHeld, printStatus } from './send-probe.ts';

interface Tried {
  readonly works: boolean;
  readonly evidence: string;
}

export const checkAddressing: Check = {
  id: 'addressing',
  title: 'addressing style',
  run: async (examination) => {
    const { target, facts } = examination;
    if (!facts.isReachable) return couldNotRun('nothing answers');
    if (target.bucket === null) return couldNotRun('name a bucket (--bucket) to try both styles');
    if (facts.credentials === null) return couldNotRun('there are no credentials to ask with');
    const used = target.addressing;
    const other = used === 'path' ? 'virtual' : 'path';
    const tried = { path: await tryStyle(examination, 'path'), virtual: await tryStyle(examination, 'virtual') };
    const evidence = [tried[used].evidence, tried[other].evidence];
    if (tried[used].works) return ok(evidence);
    if (!tried[other].works) return couldNotRun(...evidence, 'neither style gets an answer about the bucket');
    facts.addressing = other;
    return fail(evidence, {
      cause: `the store is used with ${used} addressing and understands ${other} addressing`,
      mends: [
        {
          current: `addressing ${used}`,
          change: target.store === null ? `--addressing ${other}` : `addressing: ${other}, in the store ${target.name}`,
          verify:
            target.store === null
              ? target.command.replace(`--addressing ${used}`, `--addressing ${other}`)
              : target.command,
          rollback: `addressing ${used}`,
          expires: NEVER,
        },
      ],
      side: 'yours',
    });
  },
};

async function tryStyle(examination: Examination, addressing: 'path' | 'virtual'): Promise<Tried> {
  const { target, send } = examination;
  if (addressing === 'virtual' && isIP(target.endpoint.hostname.replace(/^\[|\]$/g, '')) > 0)
    return { works: false, evidence: 'virtual: not possible, the endpoint is an address and not a name' };
  try {
    const request = { addressing, query: 'list-type=2&max-keys=1' } as const;
    const answer = await send(request);
    const root = /<(ListBucketResult|ListAllMyBucketsResult)\b/.exec(answer.text)?.[1] ?? '';
    const said = `${addressing}: ${printStatus(answer)}`;
    // A server that ignores the host lists its buckets; one that ignores the path has no such operation.
    if (root === 'ListAllMyBucketsResult')
      return { works: false, evidence: `${said}, but a list of buckets: the bucket was not understood` };
    if (root === 'ListBucketResult') return { works: true, evidence: said };
    if (isHeld(answer) !== true || answer.code !== 'AccessDenied') return { works: false, evidence: said };
    const { isVerified, evidence } = await controlProbe(examination, request, answer);
    return { works: isVerified, evidence: isVerified ? said : `${said}; ${evidence}` };
  } catch (error) {
    if (!(error instanceof ReachFailure)) throw error;
    return { works: false, evidence: `${addressing}: ${error.phase} ${error.code}` };
  }
}
