/** The place of a wrapped key: it unwraps as the key of this row only. */
export interface KeyPlace {
  /** With its schema, as `privacy.data_key`. */
  readonly table: string;
  readonly key_id: string;
}

/** A key as the database may hold it. */
export interface WrappedKey {
  readonly wrapped_key: Buffer;
  /** The kind of the service, a colon, and what tells its keys apart, as `local:0123456789abcdef`. */
  readonly master_key_id: string;
}

export interface MasterKey {
  readonly master_key_id: string;
  /** ISO 8601; null where nobody noted it. */
  readonly created_at: string | null;
}

/** What keeps master keys, and wraps other keys under them without ever handing one out. */
export interface Kms {
  /** What its master keys' ids begin with, before the colon. */
  readonly kind: string;
  /** Whether `rotate` makes a newer master key; false where only the operator gives them. */
  readonly makes_keys: boolean;
  /** Every master key that it can unwrap with, the one that wraps first. @throws KmsError */
  list(): Promise<readonly MasterKey[]>;
  /** Wraps a key of 32 bytes under the newest master key. @throws KmsError */
  wrap(key: Uint8Array, place: KeyPlace): Promise<WrappedKey>;
  /** @throws UnknownMasterKeyError, UnwrapError, KmsError */
  unwrap(wrapped: WrappedKey, place: KeyPlace): Promise<Buffer>;
  /** The same key under the newest master key. @throws as `unwrap` */
  rewrap(wrapped: WrappedKey, place: KeyPlace): Promise<WrappedKey>;
  /**
   * Makes a newer master key.
   * @returns false where only the operator can, who has to be told
   * @throws KmsError
   */
  rotate(): Promise<boolean>;
  /**
   * Destroys a master key that wraps nothing any more.
   * @returns whether it is gone, whoever destroyed it; false where only the operator can, and has not
   * @throws KmsError
   */
  destroy(master_key_id: string): Promise<boolean>;
}

/** The service cannot be reached, or refuses; the message says which, why, and how to mend it. */
export class KmsError extends Error {
  /** Whether the same request may succeed a while later. */
  readonly is_temporary: boolean;

  constructor(message: string, options: ErrorOptions & { is_temporary?: boolean } = {}) {
    super(message, options);
    this.name = 'KmsError';
    this.is_temporary = options.is_temporary ?? false;
  }
}

/** A key is wrapped under a master key that is not at hand. */
export class UnknownMasterKeyError extends Error {
  readonly master_key_id: string;

  constructor(master_key_id: string, known: readonly string[]) {
    super(
      `The master key ${master_key_id} is not at hand (${known.length === 0 ? 'none is' : `at hand: ${known.join(', ')}`}).`,
    );
    this.name = 'UnknownMasterKeyError';
    this.master_key_id = master_key_id;
  }
}

/** A wrapped key does not unwrap: its bytes were changed, or it was put in another key's place. */
export class UnwrapError extends Error {
  constructor({ table, key_id }: KeyPlace, options: ErrorOptions = {}) {
    super(
      `The key ${key_id} of ${table} does not unwrap: its bytes were changed, or they belong to another key.`,
      options,
    );
    this.name = 'UnwrapError';
  }
}
