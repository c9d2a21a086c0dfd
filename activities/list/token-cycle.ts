/**
 * Notices continuation tokens that go round, with one of them kept (Brent's algorithm): a store that hands out old ones again would be
 * listed for as long as an activity may take.
 */
export class TokenCycle {
  #mark: string | null = null;
  #steps = 0;
  #stepsMax = 1;

  /** Whether it was handed out before. A round of n tokens is noticed within three times n of them, the same token twice at once. */
  comesAgain(token: string): boolean {
    if (token === this.#mark) return true;
    this.#steps += 1;
    if (this.#steps >= this.#stepsMax) {
      this.#mark = token;
      this.#steps = 0;
      this.#stepsMax *= 2;
    }
    return false;
  }
}
