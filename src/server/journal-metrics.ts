import { Gauge, type Registry as MetricsRegistry } from 'prom-client';

/** @param waiting counts the journal's records */
export const registerJournalMetrics = (metrics: MetricsRegistry, waiting: () => number): void => {
  new Gauge({
    name: 'onevault_journal_records',
    help: 'Records in the journal: records that wait for the vault, and intents of current calls.',
    registers: [metrics],
    collect() {
      this.set(waiting());
    },
  });
};
