/**
 * SHA-256 and HMAC-SHA-256 without waiting, for a page: the browser's own hashing answers through promises only and not at all on
 * plain http, and the search of `sigv4/explain` asks for tens of thousands of hashes in one go. Source: FIPS 180-4, RFC 2104.
 *
 * It is for explaining, not for guarding: nothing here runs in constant time against somebody who measures the page.
 */
import type { Crypto } from '../../sigv4/types.ts';

const BLOCK_BYTES = 64;
const DIGEST_BYTES = 32;
const encoder = new TextEncoder();
const toBytes = (data: string | Uint8Array): Uint8Array => (typeof data === 'string' ? encoder.encode(data) : data);

/** The fractional parts of the roots of the first primes: square roots for the state, cube roots for the rounds. */
const PRIMES = findPrimes(64);
const INITIAL = Uint32Array.from(PRIMES.slice(0, 8), (prime) => fraction(Math.sqrt(prime)));
const ROUNDS = Uint32Array.from(PRIMES, (prime) => fraction(Math.cbrt(prime)));
const schedule = new Uint32Array(64);

export const pageCrypto: Crypto = {
  sha256: (data) => sha256(toBytes(data)),
  hmacSha256: (key, data) => hmacSha256(toBytes(key), encoder.encode(data)),
};

function sha256(data: Uint8Array): Uint8Array {
  const state = INITIAL.slice();
  const whole = data.length - (data.length % BLOCK_BYTES);
  for (let at = 0; at < whole; at += BLOCK_BYTES) compress(state, data, at);
  // The rest, a one bit, zeros, and the length in bits as 64 big-endian bits.
  const rest = data.length - whole;
  const tail = new Uint8Array(rest + 9 > BLOCK_BYTES ? 2 * BLOCK_BYTES : BLOCK_BYTES);
  tail.set(data.subarray(whole));
  tail[rest] = 0x80;
  const view = new DataView(tail.buffer);
  view.setUint32(tail.length - 8, Math.floor(data.length / 0x2000_0000));
  view.setUint32(tail.length - 4, (data.length << 3) >>> 0);
  for (let at = 0; at < tail.length; at += BLOCK_BYTES) compress(state, tail, at);
  const digest = new Uint8Array(DIGEST_BYTES);
  const out = new DataView(digest.buffer);
  state.forEach((word, index) => out.setUint32(index * 4, word));
  return digest;
}

function hmacSha256(key: Uint8Array, data: Uint8Array): Uint8Array {
  const short = key.length > BLOCK_BYTES ? sha256(key) : key;
  const inner = new Uint8Array(BLOCK_BYTES + data.length).fill(0x36, 0, BLOCK_BYTES);
  const outer = new Uint8Array(BLOCK_BYTES + DIGEST_BYTES).fill(0x5c, 0, BLOCK_BYTES);
  short.forEach((byte, index) => {
    inner[index] = 0x36 ^ byte;
    outer[index] = 0x5c ^ byte;
  });
  inner.set(data, BLOCK_BYTES);
  outer.set(sha256(inner), BLOCK_BYTES);
  return sha256(outer);
}

const rotate = (word: number, bits: number): number => (word >>> bits) | (word << (32 - bits));

/** One block of 64 bytes into the state. Every index below is within its array, so `!` says so instead of testing it. */
function compress(state: Uint32Array, data: Uint8Array, from: number): void {
  const w = schedule;
  for (let index = 0; index < 16; index++) {
    const at = from + index * 4;
    w[index] = (data[at]! << 24) | (data[at + 1]! << 16) | (data[at + 2]! << 8) | data[at + 3]!;
  }
  for (let index = 16; index < 64; index++) {
    const [early, late] = [w[index - 15]!, w[index - 2]!];
    const small = rotate(early, 7) ^ rotate(early, 18) ^ (early >>> 3);
    const large = rotate(late, 17) ^ rotate(late, 19) ^ (late >>> 10);
    w[index] = w[index - 16]! + small + w[index - 7]! + large;
  }
  let a = state[0]!;
  let b = state[1]!;
  let c = state[2]!;
  let d = state[3]!;
  let e = state[4]!;
  let f = state[5]!;
  let g = state[6]!;
  let h = state[7]!;
  for (let index = 0; index < 64; index++) {
    const mixed = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
    const choice = (e & f) ^ (~e & g);
    const first = (h + mixed + choice + ROUNDS[index]! + w[index]!) | 0;
    const turned = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
    const majority = (a & b) ^ (a & c) ^ (b & c);
    h = g;
    g = f;
    f = e;
    e = (d + first) | 0;
    d = c;
    c = b;
    b = a;
    a = (first + turned + majority) | 0;
  }
  state[0]! += a;
  state[1]! += b;
  state[2]! += c;
  state[3]! += d;
  state[4]! += e;
  state[5]! += f;
  state[6]! += g;
  state[7]! += h;
}

function findPrimes(count: number): number[] {
  const primes: number[] = [];
  for (let candidate = 2; primes.length < count; candidate++) {
    if (primes.every((prime) => candidate % prime !== 0)) primes.push(candidate);
  }
  return primes;
}

/** The first 32 bits behind the point; a double has 52, and the largest root here needs five before it. */
function fraction(root: number): number {
  return Math.floor((root - Math.floor(root)) * 2 ** 32);
}
