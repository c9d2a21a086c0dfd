/**
 * Searches for the mutation that makes a signature hold: each known one alone, then in pairs. What it finds is a proof, since no
 * other texts give that signature; what it does not find may still be wrong in a way that is not known here.
 */
import { HEADER_MUTATIONS } from './mutate-headers.ts';
import { KEY_MUTATIONS } from './mutate-key.ts';
import { PATH_MUTATIONS } from './mutate-path.ts';
import { PROXIED_MUTATIONS, REPEATED_MUTATIONS } from './mutate-proxied.ts';
import { QUERY_MUTATIONS } from './mutate-query.ts';
import { PAYLOAD_MUTATIONS } from './mutate-payload.ts';
import { SCOPE_MUTATIONS } from './mutate-scope.ts';
import { SECRET_MUTATIONS } from './mutate-secret.ts';
import { TEXT_MUTATIONS } from './mutate-text.ts';
import type { Mutation, MutationContext, Variant } from './mutation.ts';
import type { SigningInputs } from './signing-inputs.ts';

export const MUTATIONS: readonly Mutation[] = [
  ...PATH_MUTATIONS,
  ...QUERY_MUTATIONS,
  ...REPEATED_MUTATIONS,
  ...HEADER_MUTATIONS,
  ...PROXIED_MUTATIONS,
  ...PAYLOAD_MUTATIONS,
  ...SCOPE_MUTATIONS,
  ...SECRET_MUTATIONS,
  ...TEXT_MUTATIONS,
  ...KEY_MUTATIONS,
];

/** True when these inputs are the ones that were used. */
export type Oracle = (inputs: SigningInputs) => boolean;

export interface Found {
  /** One, or two that hold together. */
  readonly mutations: readonly { readonly mutation: Mutation; readonly detail?: string }[];
  readonly inputs: SigningInputs;
}

/** Tries in a pair search: a SHA-256 of about a KiB and an HMAC each, half a second. Every pair of the tests is found well before. */
const TRIES_MAX = 25_000;

/** Between two looks at the clock of whoever runs it in slices: some milliseconds in a browser. */
const TRIES_PER_STEP = 64;

/**
 * Null when nothing that is known makes it hold. It stops after every few tries and goes on when it is asked to, so that a page can
 * paint in between; whoever has nothing else to do runs it to its end with `finish`.
 */
export function* searchMutation(
  base: SigningInputs,
  context: MutationContext,
  oracle: Oracle,
  { pairs = true }: { readonly pairs?: boolean } = {},
): Generator<void, Found | null> {
  const singles: { mutation: Mutation; variant: Variant }[] = [];
  let tries = 0;
  for (const mutation of MUTATIONS) {
    for (const variant of mutation.apply(base, context)) {
      if (oracle(variant.inputs)) return { mutations: [{ mutation, ...toDetail(variant) }], inputs: variant.inputs };
      if (++tries % TRIES_PER_STEP === 0) yield;
      if (mutation.isAlone !== true) singles.push({ mutation, variant });
    }
  }
  if (!pairs) return null;
  tries = 0;
  for (const first of singles) {
    for (const mutation of MUTATIONS) {
      // Each pair once: the second one stands behind the first in the catalogue.
      if (mutation.isAlone === true || MUTATIONS.indexOf(mutation) <= MUTATIONS.indexOf(first.mutation)) continue;
      for (const second of mutation.apply(first.variant.inputs, context)) {
        if (++tries > TRIES_MAX) return null;
        if (tries % TRIES_PER_STEP === 0) yield;
        if (!oracle(second.inputs)) continue;
        return {
          mutations: [
            { mutation: first.mutation, ...toDetail(first.variant) },
            { mutation, ...toDetail(second) },
          ],
          inputs: second.inputs,
        };
      }
    }
  }
  return null;
}

const toDetail = ({ detail }: Variant): { detail?: string } => (detail === undefined ? {} : { detail });

/** Runs a sliced computation to its end in one go. */
export function finish<Result>(steps: Generator<void, Result>): Result {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}
