/** One TCP connection, and the HTTP answers that come over it: what a client library would mend or hide is seen here. */
import net from 'node:net';

export interface RawAnswer {
  readonly status: number;
  /** The S3 code of an error document, that of a HEAD from its header, or ''. */
  readonly code: string;
  readonly head: string;
  readonly text: string;
}

export class RawConnection {
  readonly #socket: net.Socket;
  #bytes = Buffer.alloc(0);
  #isClosed = false;
  #wake: () => void = () => undefined;

  private constructor(socket: net.Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      this.#wake();
    });
    const closed = (): void => {
      this.#isClosed = true;
      this.#wake();
    };
    socket.on('end', closed);
    socket.on('close', closed);
    // A reset is a close; what was read before it stays.
    socket.on('error', closed);
  }

  static open(port: number): Promise<RawConnection> {
    return new Promise((resolve, reject) => {
      const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new RawConnection(socket));
      });
      socket.once('error', reject);
    });
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Bytes that came and belong to no answer that was read. */
  get left(): string {
    return this.#bytes.toString('latin1');
  }

  write(bytes: string | Uint8Array): void {
    if (!this.#socket.destroyed) this.#socket.write(bytes);
  }

  /** No more will be sent. */
  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** The next answer; null when the connection closes without one. Interim answers are skipped. @throws after `limitMs` */
  async read(isHead = false, limitMs = 10_000): Promise<RawAnswer | null> {
    const until = Date.now() + limitMs;
    for (;;) {
      const answer = this.#take(isHead);
      if (answer !== null && answer.status >= 200) return answer;
      if (answer !== null) continue;
      if (this.#isClosed) return null;
      if (Date.now() > until) throw new Error(`no answer within ${String(limitMs)} ms: ${this.left.slice(0, 200)}`);
      await this.#wait(until);
    }
  }

  /** Until the other side closes. */
  async closed(limitMs = 10_000): Promise<void> {
    const until = Date.now() + limitMs;
    while (!this.#isClosed) {
      if (Date.now() > until) throw new Error('the connection stays open');
      await this.#wait(until);
    }
  }

  #wait(until: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.max(1, until - Date.now() + 1));
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #take(isHead: boolean): RawAnswer | null {
    const end = this.#bytes.indexOf('\r\n\r\n');
    if (end < 0) return null;
    const head = this.#bytes.subarray(0, end + 2).toString('latin1');
    const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1] ?? NaN);
    if (Number.isNaN(status)) throw new Error(`no HTTP answer: ${head.slice(0, 200)}`);
    const isBodyless = isHead || status < 200 || status === 204 || status === 304;
    const length = isBodyless ? 0 : toLength(head);
    const start = end + 4;
    if (length === null ? !this.#isClosed : this.#bytes.length < start + length) return null;
    const stop = length === null ? this.#bytes.length : start + length;
    const text = this.#bytes.subarray(start, stop).toString('utf8');
    this.#bytes = this.#bytes.subarray(stop);
    const code =
      /<Error><Code>([^<]*)<\/Code>/.exec(text)?.[1] ?? /\r\nx-amz-error-code: (.*)\r\n/.exec(head)?.[1] ?? '';
    return { status, code, head, text };
  }
}

/** Null: until the end of the connection. Our server names a length with every document and object. */
function toLength(head: string): number | null {
  const length = /\r\ncontent-length: *(\d+)\r\n/i.exec(head)?.[1];
  return length === undefined ? null : Number(length);
}
