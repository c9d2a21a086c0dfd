/** What came of a request, where its log says so: a signature that holds is no answer to somebody who was refused. */

export interface Answer {
  /** `refused`: a server answered, and not as asked; `none`: nobody did. */
  readonly kind: 'refused' | 'none';
  readonly what: string;
}

const NONE = [
  /Could not connect to the endpoint URL/,
  /SSL validation failed/,
  /Connection was closed before we received a valid response/,
  /(?:connection refused|no such host|could not resolve host)/i,
];

/** Null when the text says nothing of a failure. */
export function findAnswer(text: string): Answer | null {
  const client = /An error occurred \((\w{1,64})\) when calling the (\w{1,64}) operation/.exec(text);
  if (client !== null) return { kind: 'refused', what: `${client[1] ?? ''} to ${client[2] ?? ''}` };
  const status = /^(?:< |[^\n]{0,40} DEBUG : )?HTTP\/[\d.]{1,3} ([345]\d\d(?: [A-Za-z ]{1,40})?)\r?$/m.exec(text)?.[1];
  if (status !== undefined) return { kind: 'refused', what: status.trim() };
  const none = NONE.map((pattern) => pattern.exec(text)?.[0]).find((found) => found !== undefined);
  return none === undefined ? null : { kind: 'none', what: none };
}
