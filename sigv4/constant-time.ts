/** Comparing what an attacker may guess byte by byte. */

const encoder = new TextEncoder();
/** A signature has 64 characters, a session token some hundreds. What is longer is compared by the character. */
const CHARACTERS_MAX = 1024;
const givenBytes = new Uint8Array(3 * CHARACTERS_MAX);
const expectedBytes = new Uint8Array(3 * CHARACTERS_MAX);

/**
 * True when both texts are equal; the time depends on the length of `given`, on whether the other has the same, and on whether both are
 * ASCII, never on where they first differ. None of it is a secret here: signatures have 64 digits, and what a token's length says is
 * nothing of its content.
 */
export function equalConstantTime(given: string, expected: string): boolean {
  if (given.length === expected.length && given.length <= CHARACTERS_MAX) {
    const { written } = encoder.encodeInto(given, givenBytes);
    // ASCII on both sides, as every signature and every token of ours is. Comparing bytes takes a quarter of the time.
    if (written === given.length && encoder.encodeInto(expected, expectedBytes).written === written) {
      let difference = 0;
      for (let index = 0; index < written; index++) {
        difference |= (givenBytes[index] as number) ^ (expectedBytes[index] as number);
      }
      return difference === 0;
    }
  }
  let difference = given.length ^ expected.length;
  for (let index = 0; index < given.length; index++) {
    // Past the end charCodeAt is NaN, which XOR takes as 0; the lengths have already made the texts differ.
    difference |= given.charCodeAt(index) ^ expected.charCodeAt(index);
  }
  return difference === 0;
}
