import { type Clock, instantOf } from '../core/clock.ts';
import { encodeKey } from './key.ts';
import { listWriters, readAll, type WriterState } from './reader.ts';
import { abandonedOutcome, type CallRecord, type JournalRecord, parseRecord } from './record.ts';
import { type JournalStore, onDisk } from './store.ts';

interface Recovery {
  readonly writer: string;
  /** Admitted calls whose outcome the crash has lost: now recorded as ABANDONED. */
  readonly abandoned: number;
  /** Sequences whose record never reached the disk: now void. */
  readonly voided: number;
}

/**
 * Ends the writers of dead processes: every intent without an outcome becomes an outcome `ABANDONED`, every gap in
 * the sequence a void, and the writer is marked as ended. Call it only while no writer's process is alive except
 * those in `alive`. After an interruption it may be called again.
 */
export const recoverWriters = async (
  store: JournalStore,
  clock: Clock,
  alive: ReadonlySet<string> = new Set(),
): Promise<Recovery[]> => {
  const dead = listWriters(store).filter((writer) => writer.last_sequence === null && !alive.has(writer.id));
  const recoveries: Recovery[] = [];
  for (const writer of dead) recoveries.push(await recoverWriter(store, clock, writer));
  return recoveries;
};

const recoverWriter = async (store: JournalStore, clock: Clock, writer: WriterState): Promise<Recovery> => {
  const { intents, holes, last_sequence } = scan(store, writer);
  const appends: Promise<unknown>[] = [];
  const append = (sequence: number, record: JournalRecord): void => {
    appends.push(onDisk(store.records.put(encodeKey(writer.id, sequence), JSON.stringify(record))));
  };
  for (const sequence of holes) append(sequence, { kind: 'void', reason: 'never reached the disk' });
  let sequence = last_sequence;
  const recorded_at = instantOf(clock.now());
  for (const [intent_sequence, intent] of intents) {
    append(++sequence, { ...abandonedOutcome(intent, intent_sequence), recorded_at });
  }
  await Promise.all(appends);
  await onDisk(store.writers.put(writer.id, { opened_at: writer.opened_at, last_sequence: sequence }));
  return { writer: writer.id, abandoned: intents.size, voided: holes.length };
};

/** Remains of a dead writer: intents without an outcome, and gaps above the records that the vault holds. */
const scan = (store: JournalStore, writer: WriterState) => {
  const intents = new Map<number, CallRecord>();
  const holes: number[] = [];
  let last_sequence = writer.position;
  for (const { sequence, text } of readAll(store, writer.id)) {
    // The loader refuses records that cannot be read.
    const record = parseRecord(text);
    // An outcome closes its intent; a later intent of the same call replaces it.
    if (record !== null && record.kind !== 'void' && record.intent_sequence !== null)
      intents.delete(record.intent_sequence);
    if (record?.kind === 'intent') intents.set(sequence, record);
    for (let hole = last_sequence + 1; hole < sequence; hole += 1) holes.push(hole);
    last_sequence = Math.max(last_sequence, sequence);
  }
  return { intents, holes, last_sequence };
};
