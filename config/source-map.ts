/** Reads YAML and finds the line and the column of what a path of keys names. */
import { isMap, isScalar, isSeq, LineCounter, parseDocument, visit } from 'yaml';
import type { Document, Node } from 'yaml';
import type { ConfigPath, Problem } from './problems.ts';

export interface Place {
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
}

/** Words of our own: the parser's messages quote the file, and a misplaced secret with it. */
const SYNTAX: Readonly<Record<string, string>> = {
  DUPLICATE_KEY: 'a key stands here twice; expected each key once',
  BAD_INDENT: 'the indentation is wrong',
  TAB_AS_INDENT: 'a tab indents this line; expected spaces',
  MISSING_CHAR: 'a quote, a bracket or a colon is missing',
  BAD_ALIAS: 'a value that begins with * or & is an alias in YAML; expected quotes round it',
  MULTIPLE_DOCS: 'a second document begins here; expected one',
};

export class SourceMap {
  readonly #lines = new LineCounter();
  readonly #document: Document;

  constructor(text: string) {
    this.#document = parseDocument(text, {
      lineCounter: this.#lines,
      prettyErrors: false,
      version: '1.2',
      strict: true,
    });
  }

  /** What is wrong with the YAML itself. */
  syntaxErrors(): readonly (Place & { readonly message: string })[] {
    const errors = this.#document.errors.map((error) => ({
      ...this.#placeOf(error.pos[0]),
      message: SYNTAX[error.code] ?? `this is not YAML (${error.code.toLowerCase().replaceAll('_', ' ')})`,
    }));
    if (errors.length > 0) return errors;
    visit(this.#document, {
      Alias: (_, alias) => {
        if (alias.resolve(this.#document) === undefined) {
          errors.push({ ...this.#placeOf(startOf(alias) ?? 0), message: SYNTAX['BAD_ALIAS'] ?? '' });
        }
      },
    });
    return errors;
  }

  /** The plain value, or null where aliases multiply: they are expanded a hundred times at most. */
  toValue(): { readonly value: unknown } | null {
    try {
      return { value: this.#document.toJS({ maxAliasCount: 100 }) as unknown };
    } catch {
      return null;
    }
  }

  /** The place of the deepest part of the path that stands in the file. */
  find(path: ConfigPath, at: Problem['at']): Place {
    let node: unknown = this.#document.contents;
    let offset = startOf(node) ?? 0;
    for (const [depth, segment] of path.entries()) {
      if (isMap(node)) {
        const pair = node.items.find(({ key }) => (isScalar(key) ? String(key.value) : key) === String(segment));
        if (pair === undefined) break;
        const last = depth === path.length - 1;
        offset = (last && at === 'value' ? startOf(pair.value) : undefined) ?? startOf(pair.key) ?? offset;
        node = pair.value;
      } else if (isSeq(node)) {
        node = node.items[Number(segment)];
        offset = startOf(node) ?? offset;
      } else {
        break;
      }
    }
    return this.#placeOf(offset);
  }

  #placeOf(offset: number): Place {
    const { line, col } = this.#lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  }
}

const startOf = (node: unknown): number | undefined => (node as Node | null | undefined)?.range?.[0];
