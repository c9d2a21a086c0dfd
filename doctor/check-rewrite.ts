/**
 * A proxy in the way that rewrites. A request is signed over everything that proxies are known to touch (host, a header with blanks and
 * commas, a query with encodings, Accept-Encoding, User-Agent, a key with marks in it); the service's own words on what it saw then
 * name the rewrite. Where it does not say, the same is found by leaving all out and adding one at a time.
 */
import { encodePath } from '../sigv4/encode.ts';
import { explainInSteps } from '../sigv4/explain/explain.ts';
import { nodeCrypto } from '../sigv4/node-crypto.ts';
import { couldNotRun, fail, NEVER, ok, type Check, type Examination, type Mend } from './check.ts';
import { controlProbe } from './control-probe.ts';
import { listProxyVariables } from './find-proxy.ts';
import { nameRewrites, type Rewrite } from './name-rewrite.ts';
import { headerOf, isHeld, printStatus, type Answer, type ProbeRequest } from './send-probe.ts';
import { tryProbe } from './try-probe.ts';

const QUERY = 'list-type=2&max-keys=1&prefix=waybill%20doctor%2F%C3%A9%2B~%3D';
const KEY = 'waybill%20doctor/%C3%A9%2B~%3A%40%28%29%2A%3D%2F';
const FEATURES: Readonly<Record<string, Partial<ProbeRequest>>> = {
  'query with encodings': { query: QUERY },
  'header with blanks': { headers: [['x-amz-meta-waybill-doctor', 'one  two,  three;  four']] },
  'accept-encoding': { headers: [['accept-encoding', 'identity;q=0.9, gzip;q=0.1']] },
  'user-agent': { headers: [['user-agent', 'waybill-doctor/1 (signed)']] },
  range: { headers: [['range', 'bytes=0-0']] },
};
/** What those in between sign with. */
const MARKS = [
  'via',
  'x-cache',
  'x-served-by',
  'cf-ray',
  'x-amz-cf-id',
  'x-varnish',
  'x-envoy-upstream-service-time',
  'server',
];
const BODY_BYTES = 2048;
/** Of the explainer's search, some milliseconds each: every known mutation alone. The difference itself is named without it. */
const STEPS_MAX = 40;

export const checkRewrite: Check = {
  id: 'rewrite',
  title: 'rewrites on the way',
  run: async (examination) => {
    const { facts, env, route } = examination;
    if (!facts.isReachable) return couldNotRun('nothing answers');
    if (facts.credentials === null) return couldNotRun('there are no credentials to sign a probe with');
    const variables = listProxyVariables(env);
    const everything = {
      ...FEATURES['query with encodings'],
      headers: Object.values(FEATURES).flatMap(({ headers = [] }) => headers),
    };
    const full = await probe(examination, everything);
    if (full === null) return couldNotRun('no answer to the signed probe');
    const marks = MARKS.flatMap((name) => {
      const value = headerOf(full, name);
      return value === null ? [] : [`${name}: ${value.slice(0, 80)}`];
    });
    const evidence = [
      `signs of who answers: ${marks.join('; ') || 'none'}`,
      `proxy variables that are set: ${variables.join(', ') || 'none'}; the probe went ${route.proxy === null ? 'straight' : `through ${route.proxy.source}`}`,
      `signed over host, query, blanks, accept-encoding, user-agent, range: ${printStatus(full)}`,
    ];
    const answers = [full];
    if (examination.target.bucket !== null) {
      const path = `/${examination.target.bucket}/${KEY}`;
      const keyed = await probe(examination, { path });
      if (keyed !== null) answers.push(keyed);
      evidence.push(`signed over a key with marks in it: ${keyed === null ? 'no answer' : printStatus(keyed)}`);
    }
    if (examination.writeProbe !== null) answers.push(...(await probeBody(examination, evidence)));
    const rewrites = new Map<string, { rewrite: Rewrite; answer: Answer }>();
    for (const answer of answers)
      for (const rewrite of namesOf(answer))
        if (!rewrites.has(rewrite.id)) rewrites.set(rewrite.id, { rewrite, answer });
    if (rewrites.size > 0) {
      const found = [...rewrites.values()];
      return fail([...evidence, ...found.flatMap(({ answer, rewrite }) => explained(answer, rewrite))], {
        cause: found.map(({ rewrite }) => rewrite.cause).join('; '),
        mends: found.map(({ rewrite }) => toMend(rewrite, examination)),
        side: 'between',
      });
    }
    if (answers.every((answer) => isHeld(answer) === true)) {
      const control = await controlProbe(examination, everything, full);
      return control.isVerified
        ? ok([...evidence, 'each signature held: nothing that counts was changed'])
        : couldNotRun(...evidence, control.evidence);
    }
    const refused = answers.find(({ code }) => code === 'SignatureDoesNotMatch');
    if (refused === undefined) return couldNotRun(...evidence, 'the answer does not tell whether the signature held');
    if (refused.theirs?.canonicalRequest) {
      return refused.theirs.canonicalRequest === refused.ours?.canonicalRequest
        ? ok([...evidence, 'the service saw byte for byte what was signed: nothing was changed, the secret differs'])
        : couldNotRun(...evidence, 'the service saw another request, in a form that cannot be compared');
    }
    return await isolate(examination, evidence);
  },
};

const probe = (examination: Examination, request: Partial<ProbeRequest>): Promise<Answer | null> =>
  tryProbe(examination, request);

function namesOf(answer: Answer): readonly Rewrite[] {
  const [ours, theirs] = [answer.ours?.canonicalRequest ?? null, answer.theirs?.canonicalRequest ?? null];
  if (answer.code === 'MissingContentLength')
    return nameRewrites(
      'PUT\n/\n\ncontent-length:1\n\ncontent-length\nx',
      'PUT\n/\n\ncontent-length:\n\ncontent-length\nx',
    );
  return answer.code !== 'SignatureDoesNotMatch' || ours === null || theirs === null ? [] : nameRewrites(ours, theirs);
}

/** What the explainer makes of the same two sides; it proves which known rewrite turns one into the other. */
function explained({ ours, theirs }: Answer, rewrite: Rewrite): readonly string[] {
  const lines = [`${rewrite.id}: signed ${show(rewrite.signed)}, arrived ${show(rewrite.arrived)}`];
  if (ours === null || theirs === null) return lines;
  const steps = explainInSteps([ours, theirs], { crypto: nodeCrypto, secret: null });
  let step = steps.next();
  for (let taken = 1; step.done !== true && taken < STEPS_MAX; taken++) step = steps.next();
  const finding = step.done === true ? step.value.findings[0] : undefined;
  if (finding !== undefined && finding.id !== 'texts-differ')
    lines.push(`explained: ${finding.culprit} [${finding.id}]`);
  return lines;
}

const show = (text: string): string => JSON.stringify(text.slice(0, 200));

const toMend = ({ signed, arrived, change }: Rewrite, { target }: Examination): Mend => ({
  current: `arrives as ${show(arrived)}`,
  change,
  verify: target.command,
  rollback: `what the proxy does now: ${show(signed)} becomes ${show(arrived)}`,
  expires: NEVER,
});

/** A body of known length, written only where it was allowed and taken away again. */
async function probeBody(examination: Examination, evidence: string[]): Promise<Answer[]> {
  const { bucket, prefix } = examination.writeProbe ?? { bucket: '', prefix: '' };
  const path = `/${bucket}/${encodePath(`${prefix}body`)}`;
  const headers = [['content-length', String(BODY_BYTES)]] as const;
  const answer = await probe(examination, { method: 'PUT', bucket, path, headers, body: new Uint8Array(BODY_BYTES) });
  await probe(examination, { method: 'DELETE', bucket, path });
  evidence.push(`signed over a body and its length: ${answer === null ? 'no answer' : printStatus(answer)}`);
  return answer === null ? [] : [answer];
}

/** The least that can be signed, and then one thing more at a time. */
async function isolate(examination: Examination, evidence: string[]): ReturnType<Check['run']> {
  const least = await probe(examination, {});
  if (least === null || isHeld(least) !== true)
    return couldNotRun(
      ...evidence,
      'the least request is refused too, and the service does not say what it saw: host, path or secret',
    );
  const culprits: string[] = [];
  for (const [name, feature] of Object.entries(FEATURES)) {
    const answer = await probe(examination, feature);
    if (answer?.code === 'SignatureDoesNotMatch') culprits.push(name);
  }
  if (culprits.length === 0) return couldNotRun(...evidence, 'each thing alone holds, and all together do not');
  return fail(
    [...evidence, 'the least request holds', ...culprits.map((name) => `with ${name}: SignatureDoesNotMatch`)],
    {
      cause: `what is signed does not arrive as it was: ${culprits.join(', ')}`,
      mends: [
        {
          current: `${culprits.join(', ')} changed on the way`,
          change: `let the proxy pass ${culprits[0] ?? ''} as it came, or let the client not sign it`,
          verify: examination.target.command,
          rollback: 'what the proxy does now',
          expires: NEVER,
        },
      ],
      side: 'between',
    },
  );
}
