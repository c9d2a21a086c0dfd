/** Arbitrary listing answers as text: the shape that S3 sends, its kin's variations, and the ways XML can spell the same thing. */
import fc from 'fast-check';
import { isWellFormed } from '../../core/utf8-order.ts';
import type { RawListedObject } from '../../stores/s3/list-answer.ts';

export interface ListAnswerText {
  readonly text: string;
  readonly objects: readonly RawListedObject[];
}

const xmlText = fc
  .string({ unit: 'grapheme', maxLength: 12 })
  // XML cannot hold these, and turns a carriage return into a line feed.
  .filter((text) => !/[\0-\x08\x0b-\x1f\ufffe\uffff]|\r|\]\]>/.test(text) && isWellFormed(text));

const rawObject = fc.record({
  key: fc.oneof(
    xmlText.filter((text) => text !== ''),
    fc.constantFrom('a+b', '%2B', '%25', 'a&b<c>d"e\'f', ' lead', 'trail ', '</Key>'),
  ),
  lastModified: fc.constantFrom('2026-01-01T00:00:00.000Z', '2026-02-03T04:05:06Z'),
  etag: fc.constantFrom('"9a0364b9e99bb480dd25e1f0284c8555"', '"9a0364b9e99bb480dd25e1f0284c8555-3"', 'bare'),
  size: fc.nat().map(String),
});

const space = fc.constantFrom('', '', '', '\n', '\n  ', '\t');
const quoting = fc.constantFrom('plain', 'named', 'numeric', 'hex');

/** Answers in the known shape: the scanner has to read every one of them. */
export const knownListAnswer: fc.Arbitrary<ListAnswerText> = fc
  .record({
    objects: fc.array(rawObject, { maxLength: 6 }),
    prefixes: fc.array(xmlText, { maxLength: 3 }),
    token: fc.option(fc.constantFrom('1ueGcxLPRx1Tr/XYExHnhbYLgveDs2J/wm36Hy4vbOwM=', 'a&b'), { nil: undefined }),
    urlEncoded: fc.boolean(),
    declared: fc.boolean(),
    namespaced: fc.boolean(),
    owner: fc.boolean(),
    emptyTags: fc.boolean(),
    fieldsLast: fc.boolean(),
    space,
    quoting,
  })
  .map((input) => {
    const { objects, prefixes, token } = input;
    const escape = (text: string): string => escapeAs(text, input.quoting);
    const leaf = (name: string, text: string): string =>
      text === '' && input.emptyTags ? `<${name}/>` : `<${name}>${escape(text)}</${name}>`;
    const owner = input.owner ? '<Owner><ID>0a1b</ID><DisplayName>me &amp; you</DisplayName></Owner>' : '';
    const fields = [
      leaf('Name', 'bucket'),
      leaf('Prefix', ''),
      leaf('KeyCount', String(objects.length)),
      leaf('MaxKeys', '1000'),
      ...(input.urlEncoded ? [leaf('EncodingType', 'url')] : []),
      leaf('IsTruncated', String(token !== undefined)),
      ...(token === undefined ? [] : [leaf('NextContinuationToken', token)]),
    ];
    const contents = objects.map(
      ({ key, lastModified, etag, size }) =>
        `<Contents>${[leaf('Key', key), leaf('LastModified', lastModified), leaf('ETag', etag), leaf('Size', size), owner, leaf('StorageClass', 'STANDARD')].join(input.space)}</Contents>`,
    );
    const groups = prefixes.map((prefix) => `<CommonPrefixes>${leaf('Prefix', prefix)}</CommonPrefixes>`);
    const inner = input.fieldsLast ? [...contents, ...groups, ...fields] : [...fields, ...contents, ...groups];
    const declaration = input.declared ? '<?xml version="1.0" encoding="UTF-8"?>\n' : '';
    const root = `ListBucketResult${input.namespaced ? ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"' : ''}`;
    const text = `${declaration}<${root}>${inner.join(input.space)}</ListBucketResult>`;
    return { text, objects: objects.map((object) => ({ ...object })) };
  });

/** The same with one small thing changed, which may make it another page, an unusual one, or no XML at all. */
export const mutatedListAnswer: fc.Arbitrary<string> = fc
  .tuple(
    knownListAnswer,
    fc.nat(),
    fc.nat({ max: 12 }),
    fc.constantFrom(
      '',
      ' ',
      '<',
      '>',
      '/',
      '&',
      ';',
      '&#0;',
      '&#x41;',
      '&lt;',
      '\r',
      '\0',
      ']]>',
      '<!-- c -->',
      '<![CDATA[x]]>',
    ),
    fc.constantFrom(
      '<X>1</X>',
      '<Key>k</Key>',
      '<Size/>',
      '<Owner><ID>1</ID></Owner>',
      '</Contents>',
      '<?pi?>',
      ' a="b"',
      'é',
    ),
  )
  .map(([{ text }, at, cut, small, large]) => {
    const from = at % text.length;
    return text.slice(0, from) + (at % 2 === 0 ? small : large) + text.slice(from + (cut % 4 === 0 ? 0 : cut));
  });

/** One small thing in the text changed. */
export const mutateText = (text: string): fc.Arbitrary<string> =>
  fc
    .tuple(
      fc.nat(text.length - 1),
      fc.nat({ max: 9 }),
      fc.constantFrom(
        '',
        ' ',
        '<',
        '>',
        '/',
        '&',
        '%',
        '+',
        '%zz',
        '%25',
        '-',
        '9',
        'é',
        '\0',
        '\r',
        '"',
        '&quot;',
        '&#38;',
        ']]>',
        '<Key>',
        '</Contents>',
      ),
    )
    .map(([at, cut, put]) => text.slice(0, at) + put + text.slice(at + cut));

const two = (value: number): string => String(value).padStart(2, '0');

/** What S3 and its kin nearly always send. */
export const usualListAnswer: fc.Arbitrary<string> = fc
  .record({
    objects: fc.array(
      fc.record({
        key: fc.oneof(
          fc.webPath().filter((path) => path !== ''),
          fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 }).filter(isWellFormed).map(encodeURIComponent),
          fc.constantFrom('a+b', '%2B%25', 'a%20b', 'a&b', 'x&#x41;', "q'~"),
        ),
        date: fc.tuple(
          fc.integer({ min: 1, max: 12 }),
          fc.integer({ min: 1, max: 31 }),
          fc.nat(23),
          fc.nat(59),
          fc.nat(59),
          fc.nat(999),
        ),
        isWhole: fc.boolean(),
        etag: fc.constantFrom('9a0364b9e99bb480dd25e1f0284c8555', '9a0364b9e99bb480dd25e1f0284c8555-3', 'x'),
        isQuoted: fc.boolean(),
        size: fc.nat(),
        checksum: fc.boolean(),
        storage: fc.constantFrom('', 'STANDARD', 'GLACIER_IR'),
      }),
      { minLength: 1, maxLength: 5 },
    ),
    isTruncated: fc.boolean(),
    urlEncoded: fc.boolean(),
    fieldsLast: fc.boolean(),
  })
  // The days that all months have, or the parser would refuse the page.
  .map(({ objects, isTruncated, urlEncoded, fieldsLast }) => {
    const contents = objects.map(
      ({ key, date: [month, day, hour, minute, second, ms], isWhole, etag, isQuoted, size, checksum, storage }) => {
        const fraction = isWhole ? '' : `.${String(ms).padStart(3, '0')}`;
        const date = `2026-${two(month)}-${two(Math.min(day, 28))}T${two(hour)}:${two(minute)}:${two(second)}${fraction}Z`;
        const quote = isQuoted ? '"' : '&quot;';
        const text = /&(?!#x41;)/.test(key) ? key.replaceAll('&', '&amp;') : key;
        const sum = checksum
          ? '<ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm><ChecksumType>FULL_OBJECT</ChecksumType>'
          : '';
        const stored = storage === '' ? '' : `<StorageClass>${storage}</StorageClass>`;
        return `<Contents><Key>${text}</Key><LastModified>${date}</LastModified><ETag>${quote}${etag}${quote}</ETag>${sum}<Size>${String(size)}</Size>${stored}</Contents>`;
      },
    );
    const fields = `<Name>b</Name><Prefix></Prefix>${urlEncoded ? '<EncodingType>url</EncodingType>' : ''}<IsTruncated>${String(isTruncated)}</IsTruncated>${isTruncated ? '<NextContinuationToken>t</NextContinuationToken>' : ''}`;
    const inner = fieldsLast ? contents.join('') + fields : fields + contents.join('');
    return `<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${inner}</ListBucketResult>`;
  });

function escapeAs(text: string, quoting: string): string {
  return text.replace(/[&<>"']/g, (character) => {
    if (quoting === 'numeric') return `&#${String(character.charCodeAt(0))};`;
    if (quoting === 'hex') return `&#x${character.charCodeAt(0).toString(16)};`;
    if (quoting === 'plain' && !/[&<]/.test(character)) return character;
    return { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' }[character]!;
  });
}
