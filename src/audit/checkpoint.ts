import { HASH_BYTES } from './merkle.ts';
import { decodeBase64, NoteError } from './note.ts';

/** Content of a checkpoint: a log's tree at a size. */
export interface TreeHead {
  readonly origin: string;
  readonly tree_size: number;
  readonly root: Buffer;
}

/** The text of a checkpoint (C2SP tlog-checkpoint): origin, size and root, one line each. */
export const formatCheckpoint = ({ origin, tree_size, root }: TreeHead): string =>
  `${origin}\n${tree_size}\n${root.toString('base64')}\n`;

/**
 * Reads the text of a checkpoint. Our checkpoints have no extension lines, and those of others are refused, because no
 * one audits them.
 * @throws NoteError with the fault
 */
export const parseCheckpoint = (text: string): TreeHead => {
  const [origin = '', size = '', encoded = '', ...rest] = text.split('\n');
  const root = decodeBase64(encoded);
  const tree_size = Number(size);
  if (origin === '' || !/^(0|[1-9]\d*)$/.test(size) || !Number.isSafeInteger(tree_size)) {
    throw new NoteError('a checkpoint begins with its origin and its tree size, a line each');
  }
  if (root === null || root.length !== HASH_BYTES) {
    throw new NoteError("a checkpoint's third line is the base64 of its root hash, 32 bytes");
  }
  if (rest.length !== 1 || rest[0] !== '') throw new NoteError('a checkpoint of three lines is expected');
  return { origin, tree_size, root };
};
