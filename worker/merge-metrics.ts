/** One page of metrics out of the pages of several processes: each sample says whose it is, and a family's samples stand together. */

interface Family {
  /** `# HELP` and `# TYPE`, of the first process that has it. */
  readonly head: string[];
  readonly samples: string[];
}

/** @param pages Prometheus' text format, the first process's first */
export function mergeMetrics(pages: readonly string[]): string {
  const families = new Map<string, Family>();
  for (const [index, page] of pages.entries()) {
    const label = `process="${index + 1}"`;
    let family = findFamily(families, '');
    let name = '';
    for (const line of page.split('\n')) {
      const comment = /^# (?:HELP|TYPE) ([^ ]+)/.exec(line);
      if (comment?.[1] !== undefined) {
        if (comment[1] !== name) family = findFamily(families, (name = comment[1]));
        if (index === 0 || family.samples.length === 0) addOnce(family.head, line);
      } else if (line !== '' && !line.startsWith('#')) {
        family.samples.push(addLabel(line, label));
      }
    }
  }
  return [...families.values()]
    .filter(({ samples }) => samples.length > 0)
    .flatMap(({ head, samples }) => [...head, ...samples, ''])
    .join('\n');
}

function findFamily(families: Map<string, Family>, name: string): Family {
  let family = families.get(name);
  if (family === undefined) families.set(name, (family = { head: [], samples: [] }));
  return family;
}

function addOnce(lines: string[], line: string): void {
  if (!lines.includes(line)) lines.push(line);
}

/** `name{a="b"} 1` or `name 1`. */
function addLabel(sample: string, label: string): string {
  const at = sample.search(/[{ ]/);
  if (at < 0) return sample;
  return sample[at] === '{'
    ? `${sample.slice(0, at)}{${label}${sample[at + 1] === '}' ? '' : ','}${sample.slice(at + 1)}`
    : `${sample.slice(0, at)}{${label}}${sample.slice(at)}`;
}
