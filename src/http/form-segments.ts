import { OneVaultError } from '../core/errors.ts';

/** Position of a part's content in the body of a form. */
export interface FormSegment {
  readonly start: number;
  readonly end: number;
}

// Far more parts than any form for audio or images has.
const PARTS_MAX = 128;
const HEAD_MAX_BYTES = 8_192;
const CRLF = Buffer.from('\r\n');
const BLANK_LINE = Buffer.from('\r\n\r\n');

/**
 * The contents of a form's parts, in order. It refuses any form that parsers read differently, because a provider that
 * reads another model than the gateway would do work that is not charged.
 * @throws OneVaultError invalid_request
 */
export const segmentsOf = (body: Buffer, boundary: string): readonly FormSegment[] => {
  const delimiter = Buffer.from(`\r\n--${boundary}`);
  const opening = delimiter.subarray(CRLF.length);
  const segments: FormSegment[] = [];
  let at = body.subarray(0, CRLF.length).equals(CRLF) ? CRLF.length : 0;
  if (!body.subarray(at, at + opening.length).equals(opening)) {
    throw invalid('The form does not begin with its boundary. Send the boundary that the content type names.');
  }
  at += opening.length;
  while (body.toString('latin1', at, at + 2) !== '--') {
    const end = body.indexOf(delimiter, at);
    if (end === -1) throw invalid('The form ends before its closing boundary. Send the whole body.');
    const start = body.indexOf(BLANK_LINE, at) + BLANK_LINE.length;
    if (start < BLANK_LINE.length || start > end || !body.subarray(at, at + CRLF.length).equals(CRLF)) {
      throw invalid('A part of the form has no blank line between its headers and its content.');
    }
    checkHead(body.subarray(at + CRLF.length, start - BLANK_LINE.length));
    segments.push({ start, end });
    if (segments.length > PARTS_MAX) throw invalid(`The form has more than ${PARTS_MAX} parts. Send fewer.`);
    at = end + delimiter.length;
  }
  const rest = body.toString('latin1', at + 2, at + 5);
  if (rest !== '' && rest !== '\r\n') throw invalid('The form goes on after its closing boundary.');
  return segments;
};

const HEADER_LINE = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+:[^\0\r\n]*$/;
// Without backslashes, which are escapes for some parsers and plain characters for others.
const DISPOSITION =
  /^content-disposition:[ \t]*form-data((?:[ \t]*;[ \t]*[\w*-]+=(?:"[^"\\]*"|[^\s;"\\]+))+)[ \t]*;?[ \t]*$/i;
const PARAMETER = /;[ \t]*([\w*-]+)=(?:"[^"]*"|[^\s;"]+)/g;

/** Refuses headers with an ambiguous name of their part. */
const checkHead = (head: Buffer): void => {
  if (head.length > HEAD_MAX_BYTES) {
    throw invalid(`The headers of a part are longer than ${HEAD_MAX_BYTES} bytes. Send shorter ones.`);
  }
  const lines = head.toString('latin1').split('\r\n');
  if (!lines.every((line) => HEADER_LINE.test(line))) throw invalid('A header of a part is malformed.');
  const dispositions = lines.filter((line) => /^content-disposition:/i.test(line));
  const [, parameters = ''] = DISPOSITION.exec(dispositions.join()) ?? [];
  const names = [...parameters.matchAll(PARAMETER)].map(([, name]) => name!.toLowerCase());
  const named = names.filter((name) => name.startsWith('name'));
  const file_named = names.filter((name) => name.startsWith('filename'));
  if (dispositions.length === 1 && named.length === 1 && named[0] === 'name' && file_named.length <= 1) return;
  throw invalid(
    'Each part needs one header "Content-Disposition: form-data; name=…" with one name, at most one filename, and ' +
      'no backslash.',
  );
};

const invalid = (details: string): OneVaultError => new OneVaultError('invalid_request', { details });
