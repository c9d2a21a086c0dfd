/** Looks for secrets in text, in every form in which one may slip out: plain, base64 in any alignment, URL-encoded, hex, JSON-escaped. */

export interface Secret {
  readonly name: string;
  readonly value: string;
}

/** Where text came from, so that a finding can be followed. */
export interface Place {
  readonly name: string;
  readonly text: string;
}

/** `place: secret as form`, one for each finding; empty when nothing is found. The secrets themselves are not repeated. */
export function findSecrets(places: readonly Place[], secrets: readonly Secret[]): string[] {
  const forms = secrets.flatMap(({ name, value }) => toForms(value).map(([form, text]) => ({ name, form, text })));
  return places.flatMap(({ name: place, text }) =>
    forms.filter((form) => text.includes(form.text)).map(({ name, form }) => `${place}: ${name} as ${form}`),
  );
}

function toForms(value: string): [form: string, text: string][] {
  const bytes = Buffer.from(value);
  return [
    ['plain text', value],
    ['URL-encoded', encodeURIComponent(value)],
    ['hex', bytes.toString('hex')],
    ['upper-case hex', bytes.toString('hex').toUpperCase()],
    ['a JSON string', JSON.stringify(value).slice(1, -1)],
    // Within other bytes it may begin at any of three places; what depends on its neighbours is left out.
    ...[0, 1, 2].map((shift): [string, string] => {
      const aligned = Buffer.concat([Buffer.alloc(shift), bytes])
        .toString('base64')
        .replace(/=+$/, '');
      return [`base64 shifted by ${shift}`, aligned.slice(shift === 0 ? 0 : shift + 1, -2)];
    }),
  ];
}

/** Every string of a JSON value, and what each is decoded from base64: Temporal keeps payloads so. */
export function printDecoded(value: unknown): string {
  const texts: string[] = [];
  const walk = (part: unknown): void => {
    if (typeof part === 'string') {
      texts.push(part);
      if (/^[A-Za-z0-9+/]{8,}={0,2}$/.test(part)) texts.push(Buffer.from(part, 'base64').toString('latin1'));
    } else if (typeof part === 'object' && part !== null) {
      for (const [name, inner] of Object.entries(part)) {
        texts.push(name);
        walk(inner);
      }
    }
  };
  walk(value);
  return texts.join('\n');
}
