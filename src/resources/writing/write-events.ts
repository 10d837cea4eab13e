import type { NewEvent } from '../../audit/record-event.ts';

/** The recorder of the subject and the states of a change. */
export interface WriteEvents {
  about(subject: string): void;
  shows(customers: readonly (string | null)[]): void;
  change(before: object | null, after: object | null): NewEvent;
  /** Called instead of `change` if nothing is written. */
  rehearse(before: object | null, after: object | null): void;
}

/** The fields of an event that the change fills in. */
type Reported = Pick<NewEvent, 'subject' | 'customers' | 'before' | 'after'>;

/** Events of changes without a request: those of commands, and of the product itself. */
export const eventsBy = (event: (reported: Reported) => NewEvent): WriteEvents => {
  let subject: string | null = null;
  let customers: readonly string[] = [];
  return {
    about: (name) => {
      subject = name;
    },
    shows: (slugs) => {
      customers = slugs.filter((slug) => slug !== null);
    },
    change: (before, after) => event({ subject, customers, before, after }),
    rehearse: () => {},
  };
};
