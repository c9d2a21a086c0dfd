/** The region that the service wants, from the answer itself: a header of a 200, 301, 400 or 403, or the words of the error document. */
import { couldNotRun, fail, NEVER, ok, type Check } from './check.ts';
import { controlProbe } from './control-probe.ts';
import { headerOf, isHeld, printStatus, type Answer } from './send-probe.ts';
import { tryProbe } from './try-probe.ts';

/** Null when the answer does not say. */
export function findRegion(answer: Answer): string | null {
  const said =
    headerOf(answer, 'x-amz-bucket-region') ??
    /<Region>([^<]+)<\/Region>/.exec(answer.text)?.[1] ??
    /<LocationConstraint[^>]*>([^<]+)</.exec(answer.text)?.[1] ??
    /expecting '([^']+)'/.exec(answer.message)?.[1] ??
    null;
  return said !== null && /^[A-Za-z0-9-]{1,40}$/.test(said) ? said : null;
}

export const checkRegion: Check = {
  id: 'region',
  title: 'region',
  run: async (examination) => {
    const { facts, target } = examination;
    if (!facts.isReachable) return couldNotRun('nothing answers');
    const isUnsigned = facts.credentials === null ? { isUnsigned: true as const } : {};
    const answers = [await tryProbe(examination, isUnsigned)];
    const [first] = answers;
    // HEAD tells the region of a bucket to anybody, where the body of a GET says nothing.
    if (target.bucket !== null && first && findRegion(first) === null)
      answers.push(await tryProbe(examination, { method: 'HEAD', ...isUnsigned }));
    const evidence = answers.flatMap((answer) =>
      answer === null
        ? ['no answer']
        : [`signed for ${target.region}: ${printStatus(answer)}, region ${findRegion(answer) ?? 'not said'}`],
    );
    const region = answers.map((answer) => (answer === null ? null : findRegion(answer))).find((one) => one !== null);
    if (region === undefined || region === null) {
      if (first !== undefined && first !== null && facts.credentials !== null && isHeld(first) === true) {
        const control = await controlProbe(examination, {}, first);
        if (control.isVerified) return ok([...evidence, 'the signature holds, so this region is taken']);
        evidence.push(control.evidence);
      }
      return couldNotRun(
        ...evidence,
        target.bucket === null ? 'name a bucket to learn its region' : 'the service does not say',
      );
    }
    if (region === target.region) return ok(evidence);
    facts.region = region;
    return fail(evidence, {
      cause: `requests are signed for ${target.region}, and ${target.bucket === null ? 'the service' : `bucket ${target.bucket}`} is in ${region}`,
      mends: [
        {
          current: `region ${target.region}`,
          change:
            target.store === null
              ? `--region ${region} (for other clients: export AWS_REGION=${region})`
              : `region: ${region}, in the store ${target.name}`,
          verify: target.store === null ? target.command.replace(/--region \S+/, `--region ${region}`) : target.command,
          rollback: `region ${target.region}`,
          expires: NEVER,
        },
      ],
      side: 'yours',
    });
  },
};
