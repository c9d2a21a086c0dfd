/**
 * XML in: the few small documents that S3 clients send. Strict: one root, no document type, no processing instruction, no
 * entity beyond XML's five, bounded depth, element count, attribute count and size. Everything else is MalformedXML, so that no
 * document costs more than its bytes. Namespaces are left out of names: clients differ in whether they send S3's.
 */
import { SaxesParser } from 'saxes';
import { refuse } from './s3-error.ts';

export interface XmlNode {
  readonly name: string;
  readonly children: readonly XmlNode[];
  /** The character data directly inside; '' where there are only elements. */
  readonly text: string;
}

/** The deepest document that a client sends is Tagging > TagSet > Tag > Key. */
const DEPTH_MAX = 8;
/** CompleteMultipartUpload with 10,000 parts has 30,001 elements, and clients add up to five checksums a part. */
const ELEMENTS_MAX = 100_000;
/** Attributes mean nothing here but for the namespaces that a root, or a writer that repeats them, declares. */
const ATTRIBUTES_MAX = 4_000;

interface OpenNode {
  readonly name: string;
  readonly children: XmlNode[];
  text: string;
}

/** @throws invalid_request with s3Code MalformedXML */
export function parseXml(bytes: Uint8Array, rootName: string): XmlNode {
  const parser = new SaxesParser({ fragment: false });
  const open: OpenNode[] = [];
  let elements = 0;
  let root: XmlNode | null = null;
  const fail = (why: string): never => {
    throw refuse('MalformedXML', undefined, { why });
  };
  parser.on('error', (error) => fail(error.message.slice(0, 200)));
  parser.on('doctype', () => fail('a document type is not taken'));
  parser.on('processinginstruction', () => fail('a processing instruction is not taken'));
  parser.on('opentag', (tag) => {
    elements += 1;
    if (elements > ELEMENTS_MAX) fail('too many elements');
    if (open.length >= DEPTH_MAX) fail('nested too deeply');
    open.push({ name: toLocalName(tag.name), children: [], text: '' });
  });
  let attributes = 0;
  parser.on('attribute', () => {
    attributes += 1;
    if (attributes > ATTRIBUTES_MAX) fail('too many attributes');
  });
  const addText = (text: string): void => {
    const node = open.at(-1);
    if (node !== undefined) node.text += text;
  };
  parser.on('text', addText);
  parser.on('cdata', addText);
  parser.on('closetag', () => {
    const node = open.pop();
    if (node === undefined) return;
    const parent = open.at(-1);
    if (parent === undefined) root = toNode(node);
    else parent.children.push(toNode(node));
  });
  parser.write(decodeUtf8(bytes)).close();
  const found = root as XmlNode | null;
  if (found === null || found.name !== rootName) return fail(`the root is not ${rootName}`);
  return found;
}

/** The text of the one child of that name, or undefined. @throws invalid_request MalformedXML when there are two */
export function childText(node: XmlNode, name: string): string | undefined {
  let found: string | undefined;
  for (const child of node.children) {
    if (child.name !== name) continue;
    if (found !== undefined) throw refuse('MalformedXML', undefined, { why: `${name} twice` });
    found = child.text;
  }
  return found;
}

/**
 * S3 validates against its schema. An element that is not understood may be a condition, and what is asked under a condition must
 * not be done without it.
 * @throws invalid_request MalformedXML when another element is there
 */
export function onlyChildren(node: XmlNode, names: readonly string[]): void {
  for (const { name } of node.children) {
    if (!names.includes(name))
      throw refuse('MalformedXML', undefined, { why: `${name.slice(0, 64)} is not known here` });
  }
}

function toNode(node: OpenNode): XmlNode {
  return { name: node.name, children: node.children, text: node.children.length === 0 ? node.text : '' };
}

function toLocalName(name: string): string {
  const colon = name.indexOf(':');
  return colon < 0 ? name : name.slice(colon + 1);
}

const DECODER = new TextDecoder('utf-8', { fatal: true });

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return DECODER.decode(bytes);
  } catch (cause) {
    throw refuse('MalformedXML', undefined, { why: 'not UTF-8' }, cause);
  }
}
