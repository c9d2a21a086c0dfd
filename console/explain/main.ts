/**
 * The page `/explain`: reads what was pasted, explains it and calculates signatures, all of it here. It opens no connection and
 * stores nothing; its Content-Security-Policy holds it to that. What is shown has gone through the same redaction as the command's
 * output: only what is copied, and a signature that was asked for, is whole.
 */
import { EXPECTED, explainNothing, readEvidence } from '../../sigv4/evidence/read-evidence.ts';
import type { Evidence } from '../../sigv4/evidence/evidence.ts';
import { cleanSecret } from '../../sigv4/explain/clean-secret.ts';
import { explainInSteps, type Explanation } from '../../sigv4/explain/explain.ts';
import { findSensitive } from '../../sigv4/explain/find-sensitive.ts';
import { printVerdict } from '../../sigv4/explain/print-explanation.ts';
import { createRedactor, redactExplanation } from '../../sigv4/explain/redact.ts';
import { calculate } from './calculate.ts';
import { copyText } from './copy-text.ts';
import { element, find } from './dom.ts';
import { printCurl } from './print-curl.ts';
import { runInSlices } from './run-in-slices.ts';
import { pageCrypto } from './sha256.ts';
import { showFindings } from './show-findings.ts';
import { showStages } from './show-stages.ts';

const first = find('first', HTMLTextAreaElement);
const second = find('second', HTMLTextAreaElement);
const secret = find('secret', HTMLInputElement);
const verdict = find('verdict', HTMLParagraphElement);
const result = find('result', HTMLElement);
const findings = find('findings', HTMLDivElement);
const stages = find('stages', HTMLDivElement);
const calculated = find('calculated', HTMLParagraphElement);
const calculation = find('calculation-result', HTMLDivElement);

/** Counts what was asked for: an answer to an earlier question is thrown away. */
let asked = 0;

const readSides = (): readonly Evidence[] =>
  [first.value, second.value].filter((text) => text.trim() !== '').flatMap((text) => readEvidence(text));
const sensitive = () =>
  findSensitive(
    [first.value, second.value],
    secret.value === '' ? [] : [secret.value, cleanSecret(secret.value)?.secret ?? secret.value],
  );

function say(place: HTMLElement, text: string, kind = ''): void {
  place.className = kind;
  place.textContent = text;
}

const toSentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

async function explain(): Promise<void> {
  const mine = ++asked;
  result.hidden = true;
  const sides = readSides();
  if (sides.length === 0) return say(verdict, toSentence(explainNothing(`${first.value}\n${second.value}`)), 'unknown');
  say(verdict, 'Looking for the cause…');
  const known = sensitive();
  const steps = explainInSteps(sides.slice(0, 2), {
    crypto: pageCrypto,
    secret: secret.value === '' ? null : secret.value,
    now: Date.now(),
  });
  const found = await runInSlices(steps, () => mine === asked);
  if (found !== null) show(redactExplanation(found, known));
}

function show(explanation: Explanation): void {
  findings.replaceChildren(...showFindings(explanation));
  stages.replaceChildren(...showStages(explanation));
  result.hidden = false;
  say(verdict, printVerdict(explanation), explanation.verdict);
}

async function copyRequest(): Promise<void> {
  const side = readSides().find(({ request }) => request !== null);
  if (side === undefined || side.request === null)
    return say(verdict, `There is no request to copy: ${EXPECTED}.`, 'unknown');
  await copy(printCurl(side.request, side.body), verdict);
}

async function copy(text: string, place: HTMLElement): Promise<void> {
  say(place, (await copyText(text)) ? 'Copied as a curl command.' : 'The browser does not let this page copy.');
}

function calculateSignature(): void {
  calculation.replaceChildren();
  if (secret.value === '') {
    secret.focus();
    return say(calculated, 'Type the secret access key first: a signature is calculated from it.');
  }
  const side = readSides().find(({ request }) => request !== null);
  if (side === undefined) return say(calculated, `There is no request above: ${EXPECTED}.`);
  try {
    const field = (id: string): string => find(id, HTMLInputElement).value.trim();
    const fields = {
      accessKeyId: field('key-id'),
      region: field('region'),
      service: field('service'),
      time: field('time'),
    };
    const { signature, request, stages: texts } = calculate(pageCrypto, side, secret.value, fields, new Date());
    const redact = createRedactor(sensitive());
    const command = printCurl(request, side.body);
    const button = element('button', { type: 'button', id: 'copy-calculated' }, 'Copy the signed request as curl');
    button.addEventListener('click', () => void copy(command, calculated));
    calculation.replaceChildren(
      element('h3', {}, 'Signature, calculated with the secret that was typed'),
      element('pre', { id: 'signature' }, signature),
      element('h3', {}, 'Canonical request'),
      element('pre', {}, redact(texts.canonicalRequest)),
      element('h3', {}, 'String to sign'),
      element('pre', {}, redact(texts.stringToSign)),
      element('h3', {}, 'As curl (tokens and signature are shortened here, whole in the copy)'),
      element('pre', { id: 'calculated-curl' }, redact(command)),
      element('p', { class: 'buttons' }, button),
    );
    say(calculated, 'Calculated.');
  } catch (error) {
    say(calculated, error instanceof Error ? error.message : 'The request cannot be signed.');
  }
}

function clear(): void {
  asked += 1;
  for (const place of [verdict, calculated]) say(place, '');
  for (const place of [findings, stages, calculation]) place.replaceChildren();
  result.hidden = true;
  first.focus();
}

find('form', HTMLFormElement).addEventListener('submit', (event) => {
  event.preventDefault();
  void explain();
});
find('form', HTMLFormElement).addEventListener('reset', clear);
find('calculation', HTMLFormElement).addEventListener('submit', (event) => {
  event.preventDefault();
  calculateSignature();
});
find('copy-request', HTMLButtonElement).addEventListener('click', () => void copyRequest());
// In a text area Enter makes a line, so Ctrl+Enter explains.
for (const area of [first, second]) {
  area.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) void explain();
  });
}
// A page that is kept for the back button keeps no secret.
addEventListener('pagehide', () => {
  secret.value = '';
});
