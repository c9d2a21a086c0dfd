/**
 * Reads an XML answer into a tree, strictly: what is not well-formed, was cut off, nests too deep or brings a document type is a
 * failure, never a guess. For answers that are not hot: listing pages of the known shape go through `list-scanner.ts`.
 */
import { SaxesParser } from 'saxes';

/** S3's deepest answer, an upload's initiator, has five levels. */
const DEPTH_MAX = 16;

export interface XmlElement {
  /** Without a namespace prefix. */
  readonly name: string;
  readonly children: readonly XmlElement[];
  /** Direct text, entities decoded, white space kept. */
  readonly text: string;
}

interface Open {
  name: string;
  children: XmlElement[];
  text: string;
}

/** The root element, or null for what is not one whole well-formed document in UTF-8. */
export function parseXmlTree(bytes: Uint8Array): XmlElement | null {
  const stack: Open[] = [];
  let root: XmlElement | null = null;
  const parser = new SaxesParser({ xmlns: false, position: false });
  const onText = (text: string): void => {
    const top = stack.at(-1);
    if (top !== undefined) top.text += text;
  };
  parser.on('error', refuse);
  parser.on('doctype', refuse);
  parser.on('opentag', (tag) => {
    if (stack.length >= DEPTH_MAX) refuse();
    stack.push({ name: tag.name.slice(tag.name.indexOf(':') + 1), children: [], text: '' });
  });
  parser.on('text', onText);
  parser.on('cdata', onText);
  parser.on('closetag', () => {
    const element = stack.pop()!;
    const parent = stack.at(-1);
    if (parent === undefined) root = element;
    else parent.children.push(element);
  });
  try {
    parser.write(new TextDecoder('utf-8', { fatal: true }).decode(bytes)).close();
  } catch {
    return null;
  }
  return root;
}

/** The text of the only child of this name; undefined when there is none, or more than one. */
export function textOf(element: XmlElement, name: string): string | undefined {
  const found = element.children.filter((child) => child.name === name);
  return found.length === 1 ? found[0]!.text : undefined;
}

export const childrenOf = (element: XmlElement, name: string): XmlElement[] =>
  element.children.filter((child) => child.name === name);

function refuse(): never {
  throw new Error('not an XML document that we read');
}
