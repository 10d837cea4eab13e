/** Place of a wrapped key: it unwraps as the key of this row only. */
export interface KeyPlace {
  /** Name with its schema, as `privacy.data_key`. */
  readonly table: string;
  readonly key_id: string;
}

/** A key in the form that the database stores. */
export interface WrappedKey {
  readonly wrapped_key: Buffer;
  /** Kind of the service, a colon, and the service's own id of the key, as `local:0123456789abcdef`. */
  readonly master_key_id: string;
}

export interface MasterKey {
  readonly master_key_id: string;
  /** ISO 8601; null if unknown. */
  readonly created_at: string | null;
}

/** Key management service: it holds master keys and wraps other keys, but never returns a master key. */
export interface Kms {
  /** Prefix of its master keys' ids, before the colon. */
  readonly kind: string;
  /** True if `rotate` creates a newer master key; false if only the operator can create one. */
  readonly makes_keys: boolean;
  /** All master keys that it can unwrap with; the first one wraps. @throws KmsError */
  list(): Promise<readonly MasterKey[]>;
  /** Wraps a key of 32 bytes under the newest master key. @throws KmsError */
  wrap(key: Uint8Array, place: KeyPlace): Promise<WrappedKey>;
  /** @throws UnknownMasterKeyError, UnwrapError, KmsError */
  unwrap(wrapped: WrappedKey, place: KeyPlace): Promise<Buffer>;
  /** The same key under the newest master key. @throws as `unwrap` */
  rewrap(wrapped: WrappedKey, place: KeyPlace): Promise<WrappedKey>;
  /**
   * Creates a newer master key.
   * @returns false if only the operator can create one, and must be asked to
   * @throws KmsError
   */
  rotate(): Promise<boolean>;
  /**
   * Destroys a master key that wraps nothing any more.
   * @returns true if the key no longer exists; false if only the operator can destroy it, and has not done so yet
   * @throws KmsError
   */
  destroy(master_key_id: string): Promise<boolean>;
}

/** The service cannot be reached, or refuses. The message names the service, the reason and the cure. */
export class KmsError extends Error {
  /** True if the same request may succeed later. */
  readonly is_temporary: boolean;

  constructor(message: string, options: ErrorOptions & { is_temporary?: boolean } = {}) {
    super(message, options);
    this.name = 'KmsError';
    this.is_temporary = options.is_temporary ?? false;
  }
}

/** A key is wrapped under a master key that is not available. */
export class UnknownMasterKeyError extends Error {
  readonly master_key_id: string;

  constructor(master_key_id: string, known: readonly string[]) {
    super(
      `The master key ${master_key_id} is not at hand (${known.length === 0 ? 'none is' : `at hand: ${known.join(', ')}`}). Restore it.`,
    );
    this.name = 'UnknownMasterKeyError';
    this.master_key_id = master_key_id;
  }
}

/** A wrapped key cannot be unwrapped: its bytes were changed, or it was stored in the place of another key. */
export class UnwrapError extends Error {
  constructor({ table, key_id }: KeyPlace, options: ErrorOptions = {}) {
    super(
      `The key ${key_id} of ${table} cannot be unwrapped: its bytes were changed, or they belong to another key. Restore the row from a backup.`,
      options,
    );
    this.name = 'UnwrapError';
  }
}
