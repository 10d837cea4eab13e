import { parseCheckpoint, type TreeHead } from './checkpoint.ts';
import { NoteError, parseNote, SIGNATURE_BYTES } from './note.ts';

/** A checkpoint as it stands in a file. */
export interface FiledCheckpoint extends TreeHead {
  /** The signed note. */
  readonly note: string;
}

const BLANK_LINE = '\n\n';
// A dash that was cut in the middle of its bytes reads as a replacement character.
const SIGNATURE_BLOCK = /^[—\ufffd]/;

/**
 * Takes the text of a checkpoint file apart: signed notes, each followed by an empty line. What a crash left half
 * written is passed over: it is the beginning of the note that follows it, or the file's end.
 * @throws NoteError when anything else stands there: somebody changed the file
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

/** What to write before more notes, so that what a crash left is ended by an empty line. */
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

/** Whether the writer stopped in the file's last note: its end is missing, or all of its signatures are. */
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
