const WRITER_BYTES = 16;
const KEY_BYTES = 24;

/** Beyond what a writer reaches in centuries at 10,000 records a second, and exact in a double. */
export const MAX_SEQUENCE = 2 ** 48;

/** A journal key: 16 bytes of writer id, then 8 bytes of sequence, big-endian, so that keys sort by writer and age. */
export const encodeKey = (writer: string, sequence: number): Buffer => {
  const key = Buffer.allocUnsafe(KEY_BYTES);
  key.write(writer.replaceAll('-', ''), 'hex');
  key.writeBigUInt64BE(BigInt(sequence), WRITER_BYTES);
  return key;
};

/** The sequence in a journal key. */
export const sequenceOf = (key: Buffer): number => Number(key.readBigUInt64BE(WRITER_BYTES));
