/**
 * The advisory lock behind every "known" instant. Each transaction that writes to the vault takes it shared before it
 * stamps `load_date` or `loaded_at`. A reader that needs an instant with final results takes it exclusively for a
 * moment: then no uncommitted transaction has stamped an earlier instant. The number is arbitrary:
 * the bytes of "known", so that it collides with no other lock of the same database.
 */
export const KNOWN_LOCK = 0x6b6e6f776en;
