import { hash, hkdfSync } from 'node:crypto';
import { OneVaultError } from '../core/errors.ts';
import { decrypt, encrypt, KEY_BYTES } from '../keys/aead.ts';

/** Where a list goes on. */
export interface CursorContent {
  /** The sort key of the last row that was shown. */
  readonly key: readonly (string | number | boolean | null)[];
  /** What the list was filtered by where the query left it open, and what the vault knew at its first page. */
  readonly fixed: Readonly<Record<string, string>>;
}

/** Seals and opens the cursors of one list for one caller. */
export interface Cursors {
  seal(content: CursorContent): string;
  /** @throws OneVaultError invalid_request with reason cursor_mismatch where it is of another list, filter or caller */
  open(text: string): CursorContent;
}

interface CursorInput {
  /** The credential of the caller: what others are given is of no use. */
  readonly secret: string;
  /** The operation whose list it is. */
  readonly operation_id: string;
  /** What the list is filtered and sorted by, in one form. */
  readonly filter: string;
}

const INFO = 'onevault cursor/v1';

/** Cursors carry no authority: whoever forged one would see what he may see anyway. They are sealed to stay opaque. */
export const createCursors = ({ secret, operation_id, filter }: CursorInput): Cursors => {
  const key = (): Buffer => Buffer.from(hkdfSync('sha256', secret, '', INFO, KEY_BYTES));
  const about = Buffer.from(operation_id);
  const filter_hash = hash('sha256', filter);
  return {
    seal: (content) =>
      encrypt(key(), Buffer.from(JSON.stringify({ ...content, filter_hash })), about).toString('base64url'),
    open: (text) => {
      const bytes = decrypt(key(), Buffer.from(text, 'base64url'), about);
      const content = bytes === null ? null : (JSON.parse(bytes.toString()) as CursorContent & { filter_hash: string });
      if (content?.filter_hash === filter_hash) return content;
      const message = 'cursor belongs to another list, filter or key: begin again without it.';
      throw new OneVaultError('invalid_request', {
        param: 'cursor',
        details: message,
        reason: 'cursor_mismatch',
        faults: [{ path: 'query.cursor', code: 'cursor_mismatch', message }],
      });
    },
  };
};
