/**
 * Whether anybody looks at the signature at all. That an answer is no refusal of the signature proves nothing by itself: a login page
 * says 200 to everybody, a proxy that takes Authorization out earns AccessDenied whatever was signed, and a redirect comes before the
 * signature is read. So the same request goes once more with one digit of its signature changed: only where that is refused in another
 * way did the first one hold. It is sent once in a run, and only when a check is about to say that a signature holds.
 */
import type { Control, Examination } from './check.ts';
import { isHeld, printStatus, type Answer, type ProbeRequest } from './send-probe.ts';
import { tryProbe } from './try-probe.ts';

/** `request` and its `answer`, which seems to hold; a later caller gets what the first one learned. */
export async function controlProbe(examination: Examination, request: ProbeRequest, answer: Answer): Promise<Control> {
  const { facts } = examination;
  facts.control ??= compare(answer, await tryProbe(examination, { ...request, isTampered: true }));
  return facts.control;
}

function compare(answer: Answer, tampered: Answer | null): Control {
  const changed = 'with one digit of the signature changed';
  if (tampered === null) return { isVerified: false, evidence: `${changed}: no answer, so nothing proves the first` };
  const said = `${changed}: ${printStatus(tampered)}`;
  if (isHeld(tampered) === false) return { isVerified: true, evidence: said };
  if (tampered.status === answer.status && tampered.code === answer.code)
    return { isVerified: false, evidence: `${said}, the same answer: nobody looked at the signature` };
  // A failure or a limit of the moment says nothing about signatures.
  const isRefusal = tampered.status >= 400 && tampered.status < 500 && tampered.status !== 429;
  return isRefusal
    ? { isVerified: true, evidence: said }
    : { isVerified: false, evidence: `${said}, which tells nothing about the signature` };
}
