import { parseCheckpoint, type TreeHead } from './checkpoint.ts';
import { NoteError, parseNote, SIGNATURE_BYTES } from './note.ts';

/** A checkpoint in a file. */
export interface FiledCheckpoint extends TreeHead {
  /** The signed note. */
  readonly note: string;
}

const BLANK_LINE = '\n\n';
// A dash that was cut in the middle of its bytes reads as a replacement character.
const SIGNATURE_BLOCK = /^[—\ufffd]/;

/**
 * Parses the text of a checkpoint file: signed notes, each followed by an empty line. A note that a crash left
 * incomplete is skipped: it is the beginning of the next note, or the end of the file.
 * @throws NoteError for any other text: the file was changed
 */
export const parseCheckpointText = (text: string): FiledCheckpoint[] => {
  const pieces = splitNotes(text);
  return pieces.flatMap((piece, place) => {
    try {
      return [parsePiece(piece)];
    } catch (error) {
      const next = pieces[place + 1];
      const is_torn = next === undefined ? isCut(piece, text) : next.startsWith(piece.replace(/[\s\ufffd]+$/, ''));
      if (is_torn) return [];
      throw new NoteError(
        `a checkpoint cannot be read: ${(error as Error).message}; it begins with ${JSON.stringify(piece.slice(0, 80))}`,
      );
    }
  });
};

/** The text of a file with these notes. */
export const formatCheckpointText = (notes: readonly string[]): string => notes.map((note) => `${note}\n`).join('');

/** Text to write before more notes, so that an empty line ends an incomplete note. */
export const separatorAfter = (text: string): string => {
  if (text === '' || text.endsWith(BLANK_LINE)) return '';
  return text.endsWith('\n') ? '\n' : BLANK_LINE;
};

const parsePiece = (piece: string): FiledCheckpoint => {
  const { text, signatures } = parseNote(piece);
  for (const { signature, line } of signatures) {
    if (signature.length !== SIGNATURE_BYTES) throw new NoteError(`the signature "${line}" is not whole`);
  }
  return { ...parseCheckpoint(text), note: piece };
};

/** True if the file's last note is incomplete: its end is missing, or all of its signatures. */
const isCut = (piece: string, text: string): boolean =>
  !text.endsWith(BLANK_LINE) || !piece.slice(0, -1).includes(BLANK_LINE);

/** A note is a block of text, an empty line, and a block of signatures. */
const splitNotes = (text: string): string[] => {
  const notes: string[] = [];
  let body: string | null = null;
  for (const block of text.split(BLANK_LINE)) {
    if (block === '') continue;
    const content = block.endsWith('\n') ? block : `${block}\n`;
    if (body !== null && SIGNATURE_BLOCK.test(content)) {
      notes.push(`${body}\n${content}`);
      body = null;
    } else {
      if (body !== null) notes.push(body);
      body = content;
    }
  }
  if (body !== null) notes.push(body);
  return notes;
};
