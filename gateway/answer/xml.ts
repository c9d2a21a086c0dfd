/**
 * XML out. A tag's name is ours, every text is escaped. A key may hold characters that XML 1.0 cannot carry, not even as a
 * reference; S3 writes them as numeric character references all the same (`&#x1;`), and so do we: a client that lists such
 * keys asks for encoding-type=url. Control characters that XML would fold or that clients trim (CR, LF, tab) are references too.
 */

export const XML_HEADER = '<?xml version="1.0" encoding="UTF-8"?>\n';
export const S3_NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/';

const SPECIAL = /[&<>"\u0000-\u001f\u007f\ufffe\uffff\ud800-\udfff]/;
const SPECIALS =
  /[&<>"\u0000-\u001f\u007f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** Text as it stands between tags or quotes. A lone surrogate, which has no UTF-8 form, becomes U+FFFD. */
export function escapeXml(text: string): string {
  return SPECIAL.test(text) ? text.replace(SPECIALS, escapeOne) : text;
}

function escapeOne(character: string): string {
  switch (character) {
    case '&':
      return '&amp;';
    case '<':
      return '&lt;';
    case '>':
      return '&gt;';
    case '"':
      return '&quot;';
    default: {
      const unit = character.charCodeAt(0);
      return unit >= 0xd800 && unit <= 0xdfff ? '\ufffd' : `&#x${unit.toString(16).toUpperCase()};`;
    }
  }
}

/** `<name>text</name>` with the text escaped; numbers and booleans as S3 writes them. */
export function textElement(name: string, value: string | number | boolean): string {
  return `<${name}>${typeof value === 'string' ? escapeXml(value) : String(value)}</${name}>`;
}

/** `<name>…</name>` round elements that are XML already. */
export function parentElement(name: string, ...children: readonly string[]): string {
  return `<${name}>${children.join('')}</${name}>`;
}

/** A whole answer, its root in S3's namespace. */
export function printDocument(rootName: string, ...children: readonly string[]): string {
  return `${XML_HEADER}<${rootName} xmlns="${S3_NAMESPACE}">${children.join('')}</${rootName}>`;
}
