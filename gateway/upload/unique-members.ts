/**
 * Finds a member name that stands twice in one JSON object, at any depth. JSON.parse takes the last of them, other parsers the first: an
 * envelope that two readers could read apart says nothing. Only for text that JSON.parse has taken, so that its grammar is known.
 *
 * Names are compared as they are meant (`"\u0061"` is `"a"`). Long strings are skipped, not read: a payload is most of the text.
 */

interface Level {
  /** Null in an array. */
  readonly names: Set<string> | null;
  /** Whether the next string is a name. */
  isName: boolean;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** The name that stands twice, or null. */
export function findDuplicateName(json: string): string | null {
  const levels: Level[] = [];
  for (let at = 0; at < json.length; at++) {
    const level = levels.at(-1);
    switch (json[at]) {
      case '{':
        levels.push({ names: new Set(), isName: true });
        break;
      case '[':
        levels.push({ names: null, isName: false });
        break;
      case '}':
      case ']':
        levels.pop();
        break;
      case ',':
        if (level !== undefined) level.isName = level.names !== null;
        break;
      case '"': {
        const end = findStringEnd(json, at);
        if (level?.isName === true && level.names !== null) {
          const name = JSON.parse(json.slice(at, end + 1)) as string;
          if (level.names.has(name)) return name;
          level.names.add(name);
          level.isName = false;
        }
        at = end;
        break;
      }
      default:
    }
  }
  return null;
}

/** The quote that ends the string which begins at `start`: the next one that an even number of backslashes stands before. */
function findStringEnd(json: string, start: number): number {
  for (let quote = json.indexOf('"', start + 1); quote >= 0; quote = json.indexOf('"', quote + 1)) {
    let before = quote - 1;
    while (json.charCodeAt(before) === BACKSLASH) before -= 1;
    if ((quote - before) % 2 === 1 && json.charCodeAt(quote) === QUOTE) return quote;
  }
  return json.length;
}
