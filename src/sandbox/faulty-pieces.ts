import type { Faults } from './directives.ts';
import type { Asked } from './protocol.ts';

/** Text, or so many megabytes of one letter. */
export type Piece = string | { readonly fill_mb: number };

const PIECES_OF_A_BODY = 8;

/** What is sent instead of the reply, or of it, piece by piece. */
export const faultyPieces = (asked: Asked, seed: string, faults: Faults): readonly Piece[] => {
  if (faults.empty === true) return [];
  if (faults.garbage === true) return [garbageIn(asked)];
  const frames = asked.write(seed, faults);
  const broken = asked.stream === null ? bodyOf(frames.join(''), faults) : framesOf(asked, frames, faults);
  return faults.garbage_after === true ? [...broken, garbageIn(asked)] : broken;
};

const garbageIn = ({ stream }: Asked): string =>
  stream?.sse === true ? 'data: <html>Bad Gateway\n\n' : '<html>Bad Gateway</html>';

const bodyOf = (body: string, faults: Faults): readonly Piece[] => {
  if (faults.wrong_type === true) return [WRONG_BODY];
  if (faults.bad_json === true) return [body.slice(0, body.length / 2)];
  const fill_mb = faults.bomb_mb ?? faults.long_line_mb;
  if (faults.endless === true) return ['{"padding":"', 'a'.repeat(65_536)];
  // The field stands in front of the others, so that the reply is still one that can be read.
  if (fill_mb !== undefined) return ['{"padding":"', { fill_mb }, `",${body.slice(1)}`];
  return faults.cut_after === undefined ? [body] : piecesOf(body);
};

// Every protocol's own fields, each of a type that it never has.
const WRONG_BODY = '{"id":7,"choices":"none","content":7,"output":7,"candidates":7,"data":7,"usage":"much"}';

/** A body that does not stream, in parts, so that it can be cut in its middle. */
const piecesOf = (body: string): readonly string[] => {
  const size = Math.ceil(body.length / PIECES_OF_A_BODY);
  return Array.from({ length: PIECES_OF_A_BODY }, (_, index) => body.slice(index * size, (index + 1) * size));
};

const framesOf = ({ stream }: Asked, frames: readonly string[], faults: Faults): readonly Piece[] => {
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
