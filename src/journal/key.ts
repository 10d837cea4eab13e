const WRITER_BYTES = 16;
const KEY_BYTES = 24;
const SEQUENCE_BYTES = 6;

/** More than a writer reaches in centuries at 10,000 records a second, and exact in a double. */
export const MAX_SEQUENCE = 2 ** 48 - 1;

/** Journal keys: 16 bytes of writer id, then 8 bytes of sequence, big-endian. They sort by writer and sequence. */
export const createKeys = (writer: string): ((sequence: number) => Buffer) => {
  const first = Buffer.alloc(KEY_BYTES);
  first.write(writer.replaceAll('-', ''), 'hex');
  return (sequence) => {
    const key = Buffer.from(first);
    // The upper 16 bits of a sequence are 0, because no sequence exceeds 2^48.
    key.writeUIntBE(sequence, KEY_BYTES - SEQUENCE_BYTES, SEQUENCE_BYTES);
    return key;
  };
};

/** One journal key. */
export const encodeKey = (writer: string, sequence: number): Buffer => createKeys(writer)(sequence);

/** The sequence in a journal key. */
export const sequenceOf = (key: Buffer): number => Number(key.readBigUInt64BE(WRITER_BYTES));
