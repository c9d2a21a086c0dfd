/**
 * What is wrong with a configuration file, gathered so that one reading reports everything. A problem names its place by the path
 * of keys that leads to it; `source-map.ts` turns that into a line and a column.
 */
export type ConfigPath = readonly (string | number)[];

export interface Problem {
  readonly path: ConfigPath;
  /** Whether the key itself is at fault (an unknown field), or what stands behind it. */
  readonly at: 'key' | 'value';
  /** What was expected. What was found is told beside it by `describe-field.ts`, which repeats no value that may be a misplaced secret. */
  readonly message: string;
  /** False for what does not keep the rest from being read: an unknown field. */
  readonly blocks: boolean;
}

export class Problems {
  readonly #list: Problem[] = [];

  add(path: ConfigPath, message: string, at: Problem['at'] = 'value', blocks = true): void {
    // A value may fail a schema twice, as by its type and as none of the words.
    const known = this.#list.some((one) => one.message === message && printPath(one.path) === printPath(path));
    if (!known) this.#list.push({ path, at, message, blocks });
  }

  /** True when something at or below `path` is so wrong that converting it makes no sense. */
  touches(path: ConfigPath): boolean {
    return this.#list.some(
      (problem) => problem.blocks && path.every((segment, index) => problem.path[index] === segment),
    );
  }

  get list(): readonly Problem[] {
    return this.#list;
  }
}

/** `stores.aws.credentials.access_key_id`, `api.tokens[0].role`; '' for the file itself. */
export function printPath(path: ConfigPath): string {
  return path.reduce<string>(
    (text, segment) =>
      typeof segment === 'number' ? `${text}[${segment}]` : text === '' ? segment : `${text}.${segment}`,
    '',
  );
}
