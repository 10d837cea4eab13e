import type { Faults } from './directives.ts';
import type { ParsedRequest } from './protocol.ts';

/** Text, or a number of megabytes of one letter. */
export type Piece = string | { readonly fill_mb: number };

const PIECES_OF_A_BODY = 8;

/** The pieces that are sent, with their faults, instead of the response. */
export const faultyPieces = (request: ParsedRequest, seed: string, faults: Faults): readonly Piece[] => {
  if (faults.empty === true) return [];
  if (faults.garbage === true) return [garbageIn(request)];
  const frames = request.write(seed, faults);
  const broken = request.stream === null ? bodyOf(frames.join(''), faults) : framesOf(request, frames, faults);
  return faults.garbage_after === true ? [...broken, garbageIn(request)] : broken;
};

const garbageIn = ({ stream }: ParsedRequest): string =>
  stream?.sse === true ? 'data: <html>Bad Gateway\n\n' : '<html>Bad Gateway</html>';

const bodyOf = (body: string, faults: Faults): readonly Piece[] => {
  if (faults.wrong_type === true) return [WRONG_BODY];
  if (faults.bad_json === true) return [body.slice(0, body.length / 2)];
  const fill_mb = faults.bomb_mb ?? faults.long_line_mb;
  if (faults.endless === true) return ['{"padding":"', 'a'.repeat(65_536)];
  // The field comes first, so that the response stays valid.
  if (fill_mb !== undefined) return ['{"padding":"', { fill_mb }, `",${body.slice(1)}`];
  return faults.cut_after === undefined ? [body] : piecesOf(body);
};

// Fields of every protocol, each with a wrong type.
const WRONG_BODY = '{"id":7,"choices":"none","content":7,"output":7,"candidates":7,"data":7,"usage":"much"}';

/** A whole body in parts, so that it can be cut in its middle. */
const piecesOf = (body: string): readonly string[] => {
  const size = Math.ceil(body.length / PIECES_OF_A_BODY);
  return Array.from({ length: PIECES_OF_A_BODY }, (_, index) => body.slice(index * size, (index + 1) * size));
};

const framesOf = ({ stream }: ParsedRequest, frames: readonly string[], faults: Faults): readonly Piece[] => {
  const sse = stream?.sse === true;
  const open = sse ? 'data: ' : ',\r\n';
  const close = sse ? '\n\n' : '';
  const middle = Math.floor((frames.length - 1) / 2);
  if (faults.wrong_type === true) return [stream?.wrongFrame() ?? ''];
  if (faults.endless === true) return frames.slice(0, middle + 1);
  if (faults.bad_json === true) {
    const half = frames[middle]!.trimEnd();
    return frames.with(middle, half.slice(0, half.length / 2) + close);
  }
  const fill_mb = faults.bomb_mb ?? faults.long_line_mb;
  if (fill_mb !== undefined) {
    return [frames[0]!, `${open}{"padding":"`, { fill_mb }, `"}${close}`, ...frames.slice(1)];
  }
  return faults.comments === true && sse ? frames.flatMap((frame) => [': keep-alive\n\n', frame]) : frames;
};
