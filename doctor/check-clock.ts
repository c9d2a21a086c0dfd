/** The clock here against the Date of the server, to the second. Later checks sign with the server's time, so that only this one speaks of it. */
import { CLOCK_WINDOW_MS } from '../sigv4/limits.ts';
import { couldNotRun, fail, ok, warn, type Check } from './check.ts';
import { controlProbe } from './control-probe.ts';
import { headerOf, isHeld } from './send-probe.ts';
import { tryProbe } from './try-probe.ts';

/** NTP keeps it below one. */
const WARN_SECONDS = 60;

export const checkClock: Check = {
  id: 'clock',
  title: 'clock',
  run: async (examination) => {
    const { facts, target } = examination;
    if (!facts.isReachable) return couldNotRun('nothing answers');
    const plain = await tryProbe(examination, { path: '/', bucket: null, isUnsigned: true });
    // A refusal for the time names the clock that counts; the Date may be that of a proxy.
    const signed = facts.credentials === null ? null : await tryProbe(examination, {});
    const named = /<ServerTime>([^<]+)</.exec(signed?.code === 'RequestTimeTooSkewed' ? signed.text : '')?.[1];
    const answer = named === undefined ? plain : signed;
    const text = named ?? (plain === null ? null : headerOf(plain, 'date'));
    if (answer === null || text === null || Number.isNaN(Date.parse(text)))
      return couldNotRun('the answer has no Date');
    const middleMs = (answer.sentAt.getTime() + answer.receivedAt.getTime()) / 2;
    // The server's second has begun at its Date and not yet ended.
    const skewSeconds = Math.round((Date.parse(text) + 500 - middleMs) / 1_000);
    const ahead = `${String(Math.abs(skewSeconds))} s ${skewSeconds > 0 ? 'behind' : 'ahead of'} the server`;
    const evidence = [
      `the server's ${named === undefined ? 'Date' : 'ServerTime'} is ${text}`,
      skewSeconds === 0 ? 'the clock here is the same to the second' : `the clock here is ${ahead}`,
    ];
    if (Math.abs(skewSeconds) < WARN_SECONDS) return ok(evidence);
    const isRefused = Math.abs(skewSeconds) * 1_000 >= CLOCK_WINDOW_MS;
    if (isRefused && signed !== null && isHeld(signed) === true) {
      const control = await controlProbe(examination, {}, signed);
      // Where nobody looks at signatures, nobody tells whose clock is wrong.
      if (!control.isVerified) return couldNotRun(...evidence, control.evidence);
      return warn([...evidence, 'a request signed by the clock here was taken'], {
        cause:
          'the Date of the answer is not that of the service: something between writes its own, or keeps old answers',
        side: 'between',
      });
    }
    facts.skewMs = skewSeconds * 1_000;
    return (isRefused ? fail : warn)(evidence, {
      cause: isRefused
        ? `the clock here is ${ahead}, and signatures hold for 15 minutes: every request is RequestTimeTooSkewed`
        : `the clock here is ${ahead}; at 900 s every request is refused`,
      mends: [
        {
          current: `the clock is ${ahead}`,
          change: 'sudo chronyc makestep (or: sudo systemctl restart systemd-timesyncd)',
          verify: target.command,
          rollback: 'none: a right clock is not to be put wrong again',
          expires: 'when the time service stops: look at `timedatectl`',
        },
      ],
      side: 'yours',
    });
  },
};
