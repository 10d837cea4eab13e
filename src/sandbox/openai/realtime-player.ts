import { setTimeout as delay } from 'node:timers/promises';
import { SandboxRefusal } from '../call.ts';
import type { Faults } from '../directives.ts';
import { BROKEN_STREAM } from './protocol.ts';
import type { RealtimeEvent } from './realtime-events.ts';

interface PlayerDeps {
  /** Aborted when the client has left. */
  readonly signal: AbortSignal;
  emit(event: RealtimeEvent): void;
  /** Sends a message that is not an event. */
  send(text: string): void;
  /** Drops the connection. */
  drop(): void;
}

/** A response that is under way. */
export interface Running {
  cancelled: boolean;
}

/**
 * Sends the events of a response with the requested faults.
 * @returns the end of the response; `lost` if the client must not get its end
 * @throws SandboxRefusal if the response must end with an error
 */
export type Play = (
  events: readonly RealtimeEvent[],
  faults: Faults,
  running: Running,
) => Promise<'sent' | 'cancelled' | 'lost'>;

export const createPlayer = ({ signal, emit, send, drop }: PlayerDeps): Play => {
  const pause = async (wait_ms = 0): Promise<void> => {
    if (wait_ms > 0) await delay(wait_ms, undefined, { signal });
  };
  return async (events, faults, running) => {
    await pause(faults.latency_ms);
    if (faults.hang === true) return 'lost';
    if (faults.status !== undefined) {
      throw new SandboxRefusal(faults.status, 'A sandbox directive requests this status.');
    }
    for (const [sent, event] of events.entries()) {
      if (sent === faults.cut_after) {
        drop();
        return 'lost';
      }
      if (sent === faults.error_after) throw new SandboxRefusal(500, BROKEN_STREAM);
      if (sent > 0) await pause(faults.token_interval_ms);
      if (running.cancelled) return 'cancelled';
      if (faults.garbage === true) send('<html>Bad Gateway</html>');
      else emit(event);
    }
    return 'sent';
  };
};
