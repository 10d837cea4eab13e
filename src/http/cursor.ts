import { hash, hkdfSync } from 'node:crypto';
import { OneVaultError } from '../core/errors.ts';
import { decrypt, encrypt, KEY_BYTES } from '../keys/aead.ts';

/** Position at which the next page of a list starts. */
export interface CursorContent {
  /** Sort key of the last returned row. */
  readonly key: readonly (string | number | boolean | null)[];
  /** Default filters of the first page, and the instant at which the vault was read for it. */
  readonly fixed: Readonly<Record<string, string>>;
}

/** Encrypts and decrypts the cursors of one list for one caller. */
export interface Cursors {
  seal(content: CursorContent): string;
  /** @throws OneVaultError invalid_request with reason cursor_mismatch for another list, filter or caller */
  open(text: string): CursorContent;
}

interface CursorInput {
  /** Credential of the caller, so that cursors of other callers are invalid. */
  readonly secret: string;
  /** Operation of the list. */
  readonly operation_id: string;
  /** Filters and sort order of the list as canonical text. */
  readonly filter: string;
}

const INFO = 'onevault cursor/v1';

/** Cursors grant no access: a forged one shows only data that its caller may read. They are encrypted to be opaque. */
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
