/** Length of a stored hash: HMAC-SHA-256 truncated to 128 bits (RFC 2104, section 5). */
export const HASH_BYTES = 16;

/** Bytes of one record: the hash of its key, then `payload_bytes` of the table's user. */
export interface KeyTable {
  readonly size: number;
  /** The number of the record with this hash, or -1. */
  find(hash: Buffer): number;
  /** Adds a record whose hash is not in the table. @returns its number */
  add(hash: Buffer): number;
  /** The payload of a record. Adding a record may replace the memory, so do not keep it. */
  payload(record: number): Buffer;
}

const FIRST_RECORDS = 16;

/**
 * Hash table in two typed arrays, without an object for each key: a million keys take `1.5 * (HASH_BYTES +
 * payload_bytes) + 12` MB on average, about a third of a `Map` of objects. Records are never removed one by one.
 * @param payload_bytes length of a record's payload
 */
export const createKeyTable = (payload_bytes: number): KeyTable => {
  const record_bytes = HASH_BYTES + payload_bytes;
  let records = Buffer.alloc(FIRST_RECORDS * record_bytes);
  // Each slot holds a record's number plus one. At most half of the slots are taken.
  let slots = new Int32Array(FIRST_RECORDS * 2);
  let size = 0;

  const hashOf = (record: number): Buffer =>
    records.subarray(record * record_bytes, record * record_bytes + HASH_BYTES);
  /** The slot of a hash, or the free slot where it belongs. The hashes are uniform, so their first bytes will do. */
  const slotOf = (hash: Buffer): number => {
    const mask = slots.length - 1;
    let slot = hash.readUInt32LE(0) & mask;
    while (slots[slot] !== 0 && !hashOf(slots[slot]! - 1).equals(hash)) slot = (slot + 1) & mask;
    return slot;
  };
  const grow = (): void => {
    const larger = Buffer.alloc(records.length * 2);
    records.copy(larger);
    records = larger;
    slots = new Int32Array(slots.length * 2);
    for (let record = 0; record < size; record += 1) slots[slotOf(hashOf(record))] = record + 1;
  };
  return {
    get size() {
      return size;
    },
    find: (hash) => slots[slotOf(hash)]! - 1,
    add: (hash) => {
      if (size * 2 === slots.length) grow();
      const record = size;
      size += 1;
      hash.copy(records, record * record_bytes, 0, HASH_BYTES);
      slots[slotOf(hash)] = size;
      return record;
    },
    payload: (record) => records.subarray(record * record_bytes + HASH_BYTES, (record + 1) * record_bytes),
  };
};
