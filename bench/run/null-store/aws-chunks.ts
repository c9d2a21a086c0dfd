/** Takes the framing of aws-chunked off a body, whatever its chunks are signed with: nothing is verified here. */
const LF = 0x0a;

export class AwsChunks {
  readonly #onData: (piece: Buffer) => void;
  #head = '';
  /** Of the chunk's data and the line end behind it. */
  #left = 0;
  #ended = false;

  constructor(onData: (piece: Buffer) => void) {
    this.#onData = onData;
  }

  push(piece: Buffer): void {
    let at = 0;
    // What follows the last chunk is trailers, and the length of the body says where they end.
    while (at < piece.length && !this.#ended) {
      if (this.#left > 0) {
        const data = Math.max(0, Math.min(this.#left - 2, piece.length - at));
        if (data > 0) this.#onData(piece.subarray(at, at + data));
        const taken = Math.min(this.#left, piece.length - at);
        this.#left -= taken;
        at += taken;
        continue;
      }
      const end = piece.indexOf(LF, at);
      this.#head += piece.toString('latin1', at, end < 0 ? piece.length : end + 1);
      at = end < 0 ? piece.length : end + 1;
      if (end < 0) return;
      const size = Number.parseInt(this.#head, 16);
      this.#head = '';
      if (size === 0) this.#ended = true;
      else this.#left = size + 2;
    }
  }
}
