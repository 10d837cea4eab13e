/** Place of a sealed value: it opens in this place only (the additional data of AES-256-GCM). */
export interface SealContext {
  readonly table: string;
  /** The tenant, customer or person of the value; null if it belongs to the product itself. */
  readonly tenant: string | null;
  readonly row: string;
  readonly column?: string;
}

/** Encrypts and decrypts stored values. */
export interface Keyring {
  /** Seals with the newest data key. The result contains the id of its key. */
  seal(plaintext: Uint8Array, context: SealContext): Promise<Buffer>;
  /** @throws UnsealError if the key is unknown, the bytes were changed, or they belong to another place */
  open(sealed: Uint8Array, context: SealContext): Promise<Buffer>;
}
