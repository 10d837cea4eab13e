import type { Log } from './log.ts';

/** Logs the two changes of a state, however often each outcome is reported. */
export interface StateLog {
  /** @param fields of the line, for example the error */
  failed(fields: object): void;
  succeeded(): void;
}

/** @param texts of the line when the state turns bad (level warn), and when it turns good (level info) */
export const createStateLog = (log: Log, texts: { readonly bad: string; readonly good: string }): StateLog => {
  let is_bad = false;
  return {
    failed: (fields) => {
      if (!is_bad) log.warn(fields, texts.bad);
      is_bad = true;
    },
    succeeded: () => {
      if (is_bad) log.info(texts.good);
      is_bad = false;
    },
  };
};
