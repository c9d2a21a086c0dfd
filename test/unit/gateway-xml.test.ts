/** XML out and in. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { childText, parseXml } from '../../gateway/answer/parse-xml.ts';
import { escapeXml, parentElement, printDocument, textElement } from '../../gateway/answer/xml.ts';

const failsWith = (document: string, root: string): void => {
  assert.throws(
    () => parseXml(Buffer.from(document), root),
    (error: { details: Record<string, unknown> }) => {
      return error.details['s3Code'] === 'MalformedXML';
    },
  );
};

test('text is escaped, and what XML cannot carry becomes a numeric reference', () => {
  assert.equal(escapeXml('plain é \u{1f600}'), 'plain é \u{1f600}');
  assert.equal(escapeXml('<a href="b">&'), '&lt;a href=&quot;b&quot;&gt;&amp;');
  assert.equal(escapeXml('\u0000\u0001\t\n\r\u001f\uffff'), '&#x0;&#x1;&#x9;&#xA;&#xD;&#x1F;&#xFFFF;');
  assert.equal(escapeXml('a\ud800b'), 'a\ufffdb');
});

test('what is printed parses back, entities included', () => {
  const text = 'a<b>&"\'é\u{1f600}\n\t end ';
  const document = printDocument('Root', parentElement('Child', textElement('Text', text), textElement('Number', 7)));
  const root = parseXml(Buffer.from(document), 'Root');
  assert.equal(childText(root.children[0]!, 'Text'), text);
  assert.equal(childText(root.children[0]!, 'Number'), '7');
});

test('a namespace prefix, CDATA and a comment are read for what they mean', () => {
  const root = parseXml(
    Buffer.from('<s3:Delete xmlns:s3="x"><!-- c --><s3:Quiet><![CDATA[true]]></s3:Quiet></s3:Delete>'),
    'Delete',
  );
  assert.equal(childText(root, 'Quiet'), 'true');
});

test('what could cost more than its bytes, or mean two things, is refused', () => {
  failsWith('<!DOCTYPE Delete><Delete/>', 'Delete');
  failsWith('<?php 1 ?><Delete/>', 'Delete');
  failsWith('<Delete>&lol;</Delete>', 'Delete');
  failsWith('<Delete><Delete/>', 'Delete');
  failsWith('<Delete/><Delete/>', 'Delete');
  failsWith('<Other/>', 'Delete');
  failsWith('', 'Delete');
  failsWith('\u0000', 'Delete');
  failsWith('<a>'.repeat(9) + '</a>'.repeat(9), 'a');
  failsWith(`<a>${'<b/>'.repeat(100_001)}</a>`, 'a');
  assert.throws(() => parseXml(Buffer.from([0x3c, 0x61, 0x3e, 0xff, 0x3c, 0x2f, 0x61, 0x3e]), 'a'));
  const twice = parseXml(Buffer.from('<a><Key>1</Key><Key>2</Key></a>'), 'a');
  assert.throws(() => childText(twice, 'Key'));
});
