/** Comparing what an attacker may guess byte by byte. */

/**
 * True when both texts are equal; the time depends on the length of `given` alone, never on where they first differ.
 * A length is no secret here: signatures have 64 digits, and a token's length tells nothing of its content.
 */
export function equalConstantTime(given: string, expected: string): boolean {
  let difference = given.length ^ expected.length;
  for (let index = 0; index < given.length; index++) {
    // Past the end charCodeAt is NaN, which XOR takes as 0; the lengths have already made the texts differ.
    difference |= given.charCodeAt(index) ^ expected.charCodeAt(index);
  }
  return difference === 0;
}
