/** What a sealed value belongs to: it opens under the same one only (the additional data of AES-256-GCM). */
export interface SealContext {
  readonly table: string;
  /** The tenant, customer or person that the value is about; null where it belongs to the product itself. */
  readonly tenant: string | null;
  readonly row: string;
  readonly column?: string;
}

/** Encrypts and decrypts what is stored. */
export interface Keyring {
  /** Seals under the newest data key; the result names its key. */
  seal(plaintext: Uint8Array, context: SealContext): Promise<Buffer>;
  /** @throws UnsealError when the key is unknown, the bytes were changed, or they belong elsewhere */
  open(sealed: Uint8Array, context: SealContext): Promise<Buffer>;
}
