/**
 * Reads a glob into the instructions of a small machine (Thompson's construction), which glob-machine.ts runs. glob.ts has
 * the grammar. The program is as long as the pattern, so nothing that a pattern says can make it large.
 */
import { WaybillError } from './failures.ts';

export type Instruction =
  | { readonly op: 'char'; readonly codePoint: number }
  /** Any character, or any but '/'. */
  | { readonly op: 'any'; readonly slash: boolean }
  /** Pairs of first and last code points; '/' never belongs. */
  | { readonly op: 'class'; readonly negated: boolean; readonly ranges: readonly (readonly [number, number])[] }
  /** Goes on at both. */
  | { op: 'split'; first: number; second: number }
  | { op: 'jump'; to: number }
  | { readonly op: 'match' };

const PATTERN_LENGTH_MAX = 1024;

/** @throws invalid_config naming the pattern */
export function parseGlob(pattern: string): readonly Instruction[] {
  return new GlobParser(pattern).parse();
}

class GlobParser {
  readonly #pattern: string;
  readonly #characters: readonly string[];
  readonly #program: Instruction[] = [];
  #at = 0;

  constructor(pattern: string) {
    this.#pattern = pattern;
    this.#characters = [...pattern];
  }

  parse(): readonly Instruction[] {
    if (this.#characters.length === 0) this.#refuse('a pattern is not empty');
    if (this.#characters.length > PATTERN_LENGTH_MAX)
      this.#refuse(`a pattern has at most ${String(PATTERN_LENGTH_MAX)} characters`);
    this.#sequence(0);
    // A pattern that ends in '/' means everything below it.
    if (this.#endsInSlash()) this.#star(true);
    this.#program.push({ op: 'match' });
    return this.#program;
  }

  /** Up to the end, or to the ',' or '}' of the braces that it stands in. */
  #sequence(depth: number): void {
    for (;;) {
      const character = this.#characters[this.#at];
      if (character === undefined) {
        if (depth > 0) this.#refuse('a { is not closed');
        return;
      }
      if (depth > 0 && (character === ',' || character === '}')) return;
      this.#at += 1;
      if (character === '*') this.#stars();
      else if (character === '?') this.#program.push({ op: 'any', slash: false });
      else if (character === '[') this.#class();
      else if (character === '{') this.#braces(depth + 1);
      else if (character === '}') this.#refuse('a } has no {');
      else this.#literal(character === '\\' ? this.#escaped() : character);
    }
  }

  #literal(character: string): void {
    this.#program.push({ op: 'char', codePoint: character.codePointAt(0) ?? 0 });
  }

  #escaped(): string {
    const character = this.#characters[this.#at++];
    return character ?? this.#refuse('a \\ stands at the end');
  }

  #stars(): void {
    if (this.#characters[this.#at] !== '*') {
      this.#star(false);
      return;
    }
    const before = this.#characters[this.#at - 2];
    this.#at += 1;
    if (this.#characters[this.#at] === '*') this.#refuse('there are three * in a row');
    if ((before === undefined || before === '/') && this.#characters[this.#at] === '/') {
      // A whole segment of '**' also stands for no segment at all.
      this.#at += 1;
      const fork = this.#fork();
      this.#star(true);
      this.#literal('/');
      fork.second = this.#program.length;
    } else {
      this.#star(true);
    }
  }

  #star(slash: boolean): void {
    const start = this.#program.length;
    const fork = this.#fork();
    this.#program.push({ op: 'any', slash }, { op: 'jump', to: start });
    fork.second = this.#program.length;
  }

  /** Goes on at the next instruction, and at `second`, which the caller sets. */
  #fork(): { second: number } {
    const next = this.#program.length + 1;
    const fork = { op: 'split' as const, first: next, second: next };
    this.#program.push(fork);
    return fork;
  }

  #braces(depth: number): void {
    if (this.#characters[this.#at] === '{')
      this.#refuse('{{ begins a regular expression in rclone, which is not supported');
    const exits: { to: number }[] = [];
    for (let closed = false; !closed;) {
      const fork = this.#fork();
      this.#sequence(depth);
      closed = this.#characters[this.#at++] === '}';
      const exit = { op: 'jump' as const, to: 0 };
      this.#program.push(exit);
      exits.push(exit);
      // Beside the last alternative there is no other, so its fork goes one way.
      if (!closed) fork.second = this.#program.length;
    }
    for (const exit of exits) exit.to = this.#program.length;
  }

  #class(): void {
    const negated = this.#characters[this.#at] === '!' || this.#characters[this.#at] === '^';
    if (negated) this.#at += 1;
    const ranges: [number, number][] = [];
    while (this.#characters[this.#at] !== ']') {
      const first = this.#classMember();
      let last = first;
      if (this.#characters[this.#at] === '-' && this.#characters[this.#at + 1] !== ']') {
        this.#at += 1;
        last = this.#classMember();
      }
      if (last < first) this.#refuse('a range of characters goes backwards');
      ranges.push([first, last]);
    }
    this.#at += 1;
    if (ranges.length === 0) this.#refuse('a [ ] is empty');
    this.#program.push({ op: 'class', negated, ranges });
  }

  #classMember(): number {
    const character = this.#characters[this.#at++];
    if (character === undefined) this.#refuse('a [ is not closed');
    return (character === '\\' ? this.#escaped() : character).codePointAt(0) ?? 0;
  }

  #endsInSlash(): boolean {
    const last = this.#program.at(-1);
    return last?.op === 'char' && last.codePoint === 0x2f;
  }

  #refuse(reason: string): never {
    throw new WaybillError('invalid_config', `the pattern ${JSON.stringify(this.#pattern)} is wrong: ${reason}`);
  }
}
