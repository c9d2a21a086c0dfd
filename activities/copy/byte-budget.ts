/** A budget of bytes that all copies of a worker process share, so that memory does not depend on sizes or counts (invariant I8). */
export class ByteBudget {
  readonly totalBytes: number;
  #free: number;
  readonly #waiting: { readonly bytes: number; readonly grant: () => void }[] = [];

  constructor(totalBytes: number) {
    this.totalBytes = totalBytes;
    this.#free = totalBytes;
  }

  /**
   * Waits until the bytes are free, first come, first served, and returns what gives them back. What is larger than the whole
   * budget takes all of it. Whoever holds bytes must not wait for somebody who asked later.
   */
  async take(bytes: number): Promise<() => void> {
    const taken = Math.min(bytes, this.totalBytes);
    if (this.#waiting.length > 0 || taken > this.#free) {
      await new Promise<void>((resolve) => this.#waiting.push({ bytes: taken, grant: resolve }));
    } else {
      this.#free -= taken;
    }
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#free += taken;
      this.#grantNext();
    };
  }

  async use<T>(bytes: number, work: () => Promise<T>): Promise<T> {
    const giveBack = await this.take(bytes);
    try {
      return await work();
    } finally {
      giveBack();
    }
  }

  #grantNext(): void {
    for (let next = this.#waiting[0]; next !== undefined && next.bytes <= this.#free; next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#free -= next.bytes;
      next.grant();
    }
  }
}
