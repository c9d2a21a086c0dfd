/** The command line of a bench: what is wrong with it is told in one line, before anything is started. */

/** Prints what is wrong and ends with 2; `--help` prints the usage and ends with 0. */
export function readArguments<T>(usage: string, read: (args: readonly string[]) => T): T {
  const args = process.argv.slice(2);
  if (args.includes('--help')) {
    console.log(usage);
    process.exit(0);
  }
  try {
    return read(args);
  } catch (error) {
    return refuse(error);
  }
}

/** For what only a look at the machine tells. */
export function refuse(error: unknown): never {
  const message = error instanceof Error ? error.message : String(error);
  // What Node says of an option may have several lines.
  console.error(`${message.replaceAll(/\s*\n\s*/g, ' ')}; --help prints the usage`);
  process.exit(2);
}

/** @throws an Error that says what was expected, as all of them here */
export function toCount(name: string, text: string, min = 1): number {
  const count = Number(text);
  // An empty text is a zero for JavaScript.
  if (!/^\d/.test(text) || !Number.isSafeInteger(count) || count < min)
    throw new Error(`${name} is a whole number from ${String(min)}, not "${text}"`);
  return count;
}

/** Comma between. */
export const toCounts = (name: string, text: string, min = 1): number[] =>
  text.split(',').map((one) => toCount(name, one, min));

export function toOneOf<T extends string>(name: string, text: string, known: readonly T[]): T {
  const found = known.find((one) => one === text);
  if (found === undefined) throw new Error(`${name} is one of ${known.join(', ')}, not "${text}"`);
  return found;
}

/** Those whose name contains the text: all for the empty one. */
export function toNamed<T extends { readonly name: string }>(name: string, text: string, known: readonly T[]): T[] {
  const found = known.filter((one) => one.name.includes(text));
  if (found.length > 0) return found;
  throw new Error(`${name} is a part of one of "${known.map((one) => one.name).join('", "')}", not "${text}"`);
}

export function takeAtMost(args: readonly string[], max: number): readonly string[] {
  if (args.length > max) throw new Error(`at most ${String(max)} arguments, not also "${args.slice(max).join(' ')}"`);
  return args;
}
