import assert from 'node:assert/strict';
import fc from 'fast-check';
import { OneVaultError } from '../../src/core/errors.ts';
import { boundaryOf, parseForm } from '../../src/http/multipart.ts';
import { FILE, formOf, type Part, SOUND } from '../support/audio.ts';

const BOUNDARY = 'b0undary';
const parse = (parts: readonly Part[]) => parseForm(formOf(parts, BOUNDARY), BOUNDARY);
const parseText = (text: string) => parseForm(Buffer.from(text), BOUNDARY);

describe('a form', () => {
  it('is parsed into its parts in order, each with its position in the body', async () => {
    const body = formOf([FILE, { name: 'größe', content: 'a "b"\r\n漢字' }, { name: 'x', content: '' }], BOUNDARY);
    const { parts } = await parseForm(body, BOUNDARY);
    assert.deepEqual(
      parts.map(({ name, text, file_name }) => [name, text, file_name]),
      [
        ['file', '', 'a.wav'],
        ['größe', 'a "b"\r\n漢字', null],
        ['x', '', null],
      ],
    );
    const [sound, text, empty] = parts.map(({ start, end }) => body.subarray(start, end));
    assert.ok(sound!.equals(SOUND));
    assert.deepEqual([text!.toString(), empty!.toString()], ['a "b"\r\n漢字', '']);
  });

  it('gets new content in one part only, and keeps its bytes if the content is the same', async () => {
    const parts = (content: string): Part[] => [FILE, { name: 'model', content }, { name: 'x', content: 'model' }];
    const body = formOf(parts('mine'), BOUNDARY);
    const form = await parseForm(body, BOUNDARY);
    const model = form.parts[1]!;
    assert.ok(Buffer.from(form.withContent(model, 'longer-größe')).equals(formOf(parts('longer-größe'), BOUNDARY)));
    assert.deepEqual(form.withContent(model, 'mine'), body);
    assert.throws(() => form.withContent(model, `a\r\n--${BOUNDARY}--`), { code: 'invalid_request', param: 'model' });
  });

  it('may begin with an empty line, end without one, and be empty', async () => {
    const inside = 'Content-Disposition: form-data; name="a"\r\n\r\n1';
    const { parts } = await parseText(`\r\n--${BOUNDARY}\r\n${inside}\r\n--${BOUNDARY}--`);
    assert.deepEqual(
      parts.map(({ text }) => text),
      ['1'],
    );
    assert.deepEqual((await parseText(`--${BOUNDARY}--\r\n`)).parts, []);
  });

  it('is refused if parsers could read it in different ways', async () => {
    const part = (head: string, content = '1') => `--${BOUNDARY}\r\n${head}\r\n\r\n${content}\r\n--${BOUNDARY}--\r\n`;
    const sound = 'Content-Disposition: form-data; name="a"';
    await parseText(part(sound));
    for (const [name, text] of Object.entries({
      nothing: '',
      'no boundary': 'a=1',
      'another boundary': part(sound).replaceAll(BOUNDARY, 'other'),
      'a preamble': `This is a form.\r\n${part(sound)}`,
      'an epilogue': `${part(sound)}--${BOUNDARY}\r\n${sound}\r\n\r\n2\r\n--${BOUNDARY}--`,
      'no end': part(sound).slice(0, -4),
      'half of its bytes': part(sound).slice(0, part(sound).length / 2),
      'line feeds alone': part(sound).replaceAll('\r\n', '\n'),
      'no blank line': `--${BOUNDARY}\r\n${sound}\r\n--${BOUNDARY}--\r\n`,
      'no head': `--${BOUNDARY}\r\n\r\n1\r\n--${BOUNDARY}--\r\n`,
      'spaces after the boundary': part(sound).replace(`${BOUNDARY}\r\n`, `${BOUNDARY} \r\n`),
      'no disposition': part('Content-Type: text/plain'),
      'two dispositions': part(`${sound}\r\nContent-Disposition: form-data; name="b"`),
      'another disposition': part('Content-Disposition: attachment; name="a"'),
      'no name': part('Content-Disposition: form-data; filename="a"'),
      'an empty name': part('Content-Disposition: form-data; name=""'),
      'two names': part(`${sound}; name="b"`),
      'no semicolon between names': part('Content-Disposition: form-data; name="model" filename="b"'),
      'an escaped quote': part('Content-Disposition: form-data; name="a\\"; filename=\\"b"'),
      'a backslash at the end of a name': part('Content-Disposition: form-data; name="a\\"; filename="b"'),
      'a name that goes on after its quotes': part('Content-Disposition: form-data; name="a"b'),
      'an extended name': part("Content-Disposition: form-data; name*=UTF-8''a"),
      'two file names': part(`${sound}; filename="a"; filename*=UTF-8''b`),
      'a folded header': part('Content-Disposition: form-data;\r\n name="a"'),
      'a header without a colon': part(`${sound}\r\nnonsense`),
      'a header with a zero': part(`${sound}\r\nX-A: a\0`),
      'a header with a bare return': part(`${sound}\r\nX-A: a\rX-B: b`),
      'a huge header': part(`${sound}\r\nX-A: ${'a'.repeat(9_000)}`),
      'very many headers': part(`${sound}${'\r\nX-A: a'.repeat(3_000)}`),
      'a huge name': part(`Content-Disposition: form-data; name="${'a'.repeat(201)}"`),
      'thousands of parts': `${`--${BOUNDARY}\r\n${sound}\r\n\r\n1\r\n`.repeat(5_000)}--${BOUNDARY}--\r\n`,
    })) {
      await assert.rejects(parseText(text), { code: 'invalid_request' }, name);
    }
  });

  it('is refused with the name of the faulty part', async () => {
    const wrong: readonly Part[] = [
      { name: 'a', content: Buffer.of(0xff, 0xfe) },
      { name: 'a', content: 'größe', head: ['Content-Type: text/plain; charset=latin1'] },
      { name: 'a', content: 'abcd', head: ['Content-Type: text/plain; charset=utf-16le'] },
      { name: 'a', content: 'x'.repeat(2 ** 21 + 1) },
      ...['../a.wav', '/etc/passwd', 'a/b'].map((file_name) => ({
        ...FILE,
        name: 'a',
        file_name,
      })),
    ];
    for (const part of wrong) await assert.rejects(parse([part]), { code: 'invalid_request', param: 'a' });
  });

  it('of any bytes is parsed or refused, and never blocks', async () => {
    const token = fc.constantFrom(
      ...[`--${BOUNDARY}`, `\r\n--${BOUNDARY}`, '--', '\r\n', '\r\n\r\n', '\n', ' ', '"', ';', ':', 'x'],
      ...[
        'Content-Disposition: form-data; name="a"',
        'Content-Type: text/plain',
        '; filename="f"',
        'Content-Disposition:',
      ],
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(token, fc.string()), { maxLength: 24 }), async (pieces) => {
        const text = `--${BOUNDARY}${pieces.join('')}`;
        const outcome = await parseText(text).catch((error: unknown) => error);
        if (outcome instanceof Error)
          assert.ok(outcome instanceof OneVaultError && outcome.code === 'invalid_request', text);
      }),
      { numRuns: 2_000 },
    );
  });

  it('of any parts is parsed as it was written', async () => {
    const name = fc.stringMatching(/^[\w[\]-]{1,20}$/);
    const bytes = fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.constantFrom(Buffer.from('\r\n--'), SOUND));
    const part: fc.Arbitrary<Part> = fc.oneof(
      fc.record({ name, content: bytes.map((each) => Buffer.from(each)), file_name: fc.constant('f.wav') }),
      fc.record({ name, content: fc.string({ unit: 'grapheme' }).map((text) => Buffer.from(text)) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 5 }), async (parts) => {
        const body = formOf(parts, BOUNDARY);
        const read = (await parseForm(body, BOUNDARY)).parts;
        assert.deepEqual(
          read.map(({ name, start, end }) => [name, body.subarray(start, end)]),
          parts.map(({ name, content }) => [name, content]),
        );
      }),
    );
  });
});

describe('the boundary of a form', () => {
  it('is read from the content type, quoted or not', () => {
    for (const [type, boundary] of [
      ['multipart/form-data; boundary=abc', 'abc'],
      ['Multipart/Form-Data;boundary="a b:c"', 'a b:c'],
      ['multipart/form-data; boundary=----WebKitFormBoundaryAbC', '----WebKitFormBoundaryAbC'],
      ['multipart/form-data; charset=utf-8; boundary=abc', 'abc'],
      ['multipart/form-data; boundary=abc; charset=utf-8', 'abc'],
    ] as const) {
      assert.equal(boundaryOf(type), boundary);
    }
  });

  it('is refused if it is missing, duplicate, too long or has invalid characters', () => {
    for (const type of [
      'multipart/form-data',
      'multipart/form-data; boundary=',
      'multipart/form-data; boundary=a; boundary=b',
      `multipart/form-data; boundary=${'a'.repeat(71)}`,
      'multipart/form-data; boundary="a\\"b"',
      'multipart/form-data; boundary=a b',
      'multipart/form-data; boundary="a "',
    ]) {
      assert.throws(() => boundaryOf(type), { code: 'invalid_request', param: 'content-type' }, type);
    }
    for (const type of [
      undefined,
      'application/json',
      'multipart/mixed; boundary=a',
      'application/x-www-form-urlencoded',
    ]) {
      assert.throws(() => boundaryOf(type), { code: 'unsupported_media_type' }, type);
    }
  });
});
