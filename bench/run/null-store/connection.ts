/** One connection: HTTP/1.1 read by hand, one request after the other, each handed to the store when its body is in. */
import type { Socket } from 'node:net';
import { AwsChunks } from './aws-chunks.ts';
import { PATTERN, ReceivedMd5 } from './bytes.ts';
import type { Answer, NullStore, Request } from './store.ts';

const EMPTY = Buffer.alloc(0);
const HEAD_END = Buffer.from('\r\n\r\n');
const HEAD_BYTES_MAX = 64 * 1024;
const REASONS: Readonly<Record<number, string>> = { 200: 'OK', 204: 'No Content', 206: 'Partial Content' };

export class Connection {
  readonly #socket: Socket;
  readonly #store: NullStore;
  #pending: Buffer = EMPTY;
  #request: Request | null = null;
  #bodyLeft = 0;
  #take: (piece: Buffer) => void = () => undefined;
  /** An answer is under way: what comes in waits. */
  #isBusy = false;

  constructor(socket: Socket, store: NullStore) {
    this.#socket = socket;
    this.#store = store;
    socket.on('data', (piece: Buffer) => {
      this.#pending = this.#pending.length === 0 ? piece : Buffer.concat([this.#pending, piece]);
      this.#read();
    });
    socket.on('error', () => socket.destroy());
  }

  #read(): void {
    while (!this.#isBusy && !this.#socket.destroyed) {
      if (this.#request === null) {
        const end = this.#pending.indexOf(HEAD_END);
        if (end < 0) {
          if (this.#pending.length > HEAD_BYTES_MAX) this.#socket.destroy();
          return;
        }
        this.#begin(this.#pending.toString('latin1', 0, end));
        this.#pending = this.#pending.subarray(end + HEAD_END.length);
      }
      const piece = this.#pending.length > this.#bodyLeft ? this.#pending.subarray(0, this.#bodyLeft) : this.#pending;
      if (piece.length > 0) {
        this.#take(piece);
        this.#bodyLeft -= piece.length;
        this.#pending = this.#pending.subarray(piece.length);
      }
      if (this.#bodyLeft > 0) return;
      this.#serve();
    }
  }

  #begin(head: string): void {
    const lines = head.split('\r\n');
    const [method = '', target = ''] = (lines[0] ?? '').split(' ', 2);
    const headers = new Map<string, string>();
    for (let index = 1; index < lines.length; index++) {
      const line = lines[index] as string;
      const colon = line.indexOf(':');
      headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
    }
    const received = new ReceivedMd5();
    const text: Buffer[] = [];
    this.#request = { method, target, headers, received, text };
    this.#bodyLeft = Number(headers.get('content-length') ?? 0);
    const isFramed = headers.get('x-amz-content-sha256')?.startsWith('STREAMING-') === true;
    const chunks = isFramed ? new AwsChunks((piece) => received.update(piece)) : null;
    if (chunks !== null) this.#take = (piece) => chunks.push(piece);
    else if (method === 'POST') this.#take = (piece) => text.push(piece);
    else this.#take = (piece) => received.update(piece);
    if (headers.get('expect') !== undefined) this.#socket.write('HTTP/1.1 100 Continue\r\n\r\n');
  }

  #serve(): void {
    const request = this.#request as Request;
    this.#request = null;
    const answer = this.#store.serve(request);
    this.#isBusy = true;
    if (answer.afterMs > 0) setTimeout(() => this.#send(request, answer), answer.afterMs);
    else this.#send(request, answer);
  }

  #send(request: Request, { status, headers, body, sizeBytes }: Answer): void {
    const length = sizeBytes ?? Buffer.byteLength(body);
    const head = `HTTP/1.1 ${String(status)} ${REASONS[status] ?? 'Refused'}\r\nx-amz-request-id: 0123456789ABCDEF\r\n${headers}Content-Length: ${String(length)}\r\n\r\n`;
    if (request.method === 'HEAD' || length === 0) {
      this.#socket.write(head, 'latin1');
      this.#done();
    } else if (sizeBytes === null) {
      this.#socket.write(head + body, 'latin1');
      this.#done();
    } else {
      this.#socket.cork();
      this.#socket.write(head, 'latin1');
      this.#sendPattern(sizeBytes);
      this.#socket.uncork();
    }
  }

  #sendPattern(sizeBytes: number): void {
    let left = sizeBytes;
    const go = (): void => {
      while (left > 0) {
        const piece = PATTERN.subarray(0, left);
        left -= piece.length;
        if (!this.#socket.write(piece) && left > 0) {
          this.#socket.once('drain', go);
          return;
        }
      }
      this.#done();
    };
    go();
  }

  #done(): void {
    this.#isBusy = false;
    // Never from within a read: the loop that called goes on by itself.
    if (this.#pending.length > 0) setImmediate(() => this.#read());
  }
}
