import type { BundleLine } from './bundle-lines.ts';
import { NoteError, parseNote } from './note.ts';

/** Checks that the log's own notes bear the log's own signatures and nothing else, which those who verify pass over. */
export interface NoteCheck {
  /** What is strange about the checkpoints in these lines, a sentence each. */
  take(lines: readonly BundleLine[]): string[];
}

/** For the lines of one bundle, in order: keys come before checkpoints. */
export const createNoteCheck = (): NoteCheck => {
  const key_ids = new Set<string>();
  const faultOf = (note: string): string | null => {
    try {
      const { text, signatures } = parseNote(note);
      const [origin, size] = text.split('\n');
      const strange = signatures.find(({ name, key_id }) => name !== origin || !key_ids.has(key_id));
      return strange === undefined
        ? null
        : `the checkpoint of size ${size} bears a signature by ${strange.name} (key ${strange.key_id}), which is no key of the log`;
    } catch (error) {
      if (error instanceof NoteError) return `a checkpoint of the log is no signed note: ${error.message}`;
      throw error;
    }
  };
  return {
    take: (lines) =>
      lines.flatMap(({ kind, key_id, note }) => {
        if (kind === 'key') key_ids.add(String(key_id));
        const fault = kind === 'checkpoint' ? faultOf(String(note)) : null;
        return fault === null ? [] : [fault];
      }),
  };
};
