/**
 * The configuration files of clients, read as their owners do: sections, `key = value`, and AWS's nested settings, which stand
 * indented below an empty value (`s3 =` and then `  signature_version = s3v4`). Nothing is executed, no `credential_process` is run.
 */

/** Section → key → value; nested keys as `s3.signature_version`. Names are as they stand, in lower case for keys. */
export type Sections = ReadonlyMap<string, ReadonlyMap<string, string>>;

export function parseSections(text: string): Sections {
  const sections = new Map<string, Map<string, string>>();
  let section = new Map<string, string>();
  let parent: string | null = null;
  for (const line of text.replace(/^\ufeff/, '').split(/\r?\n/)) {
    const trimmed = line.trim();
    if (trimmed === '' || /^[#;]/.test(trimmed)) continue;
    const head = /^\[\s*([^\]]*?)\s*\]/.exec(trimmed);
    if (head !== null) {
      const name = head[1] ?? '';
      section = sections.get(name) ?? new Map<string, string>();
      sections.set(name, section);
      parent = null;
      continue;
    }
    const equals = trimmed.indexOf('=');
    if (equals < 0) continue;
    const key = trimmed.slice(0, equals).trim().toLowerCase();
    const value = trimmed
      .slice(equals + 1)
      .replace(/\s[#;].*$/, '')
      .trim();
    const isNested = /^\s/.test(line) && parent !== null;
    section.set(isNested ? `${parent ?? ''}.${key}` : key, value);
    if (!isNested) parent = value === '' ? key : null;
    // Before the first heading (a file of one section, such as an old .s3cfg): the nameless one.
    if (!sections.has('') && sections.size === 0) sections.set('', section);
  }
  return sections;
}

/** A profile of `config` (`[profile x]`, `[default]`) or of `credentials` (`[x]`). */
export function findProfile(sections: Sections, name: string): ReadonlyMap<string, string> | null {
  return sections.get(`profile ${name}`) ?? sections.get(name) ?? null;
}

/** A value that is on in any of the ways in which the clients write it. */
export const isOn = (value: string | undefined): boolean => /^(true|yes|on|1)$/i.test(value ?? '');
