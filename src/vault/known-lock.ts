/**
 * The advisory lock behind every "known" instant. Each transaction that writes to the vault takes it shared before it
 * stamps `load_date` or `loaded_at`; whoever needs an instant for which every answer is final takes it exclusively for
 * a moment, so that no transaction is left that stamped an earlier instant and has not committed. The number is
 * arbitrary: the bytes of "known", so that it meets no other lock of the same database by chance.
 */
export const KNOWN_LOCK = 0x6b6e6f776en;
