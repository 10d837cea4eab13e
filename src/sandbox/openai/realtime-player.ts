import { setTimeout as delay } from 'node:timers/promises';
import { SandboxRefusal } from '../call.ts';
import type { Faults } from '../directives.ts';
import { BROKEN_STREAM } from './protocol.ts';
import type { RealtimeEvent } from './realtime-events.ts';

interface PlayerDeps {
  /** Aborted once the client is gone. */
  readonly signal: AbortSignal;
  emit(event: RealtimeEvent): void;
  /** Sends a message that is no event. */
  send(text: string): void;
  /** Drops the connection. */
  drop(): void;
}

/** A response that is under way. */
export interface Running {
  cancelled: boolean;
}

/**
 * Sends the events of a response with the faults that were asked for.
 * @returns what became of it; `lost` where the client shall never hear of it again
 * @throws SandboxRefusal where it shall break off with an error
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
      throw new SandboxRefusal(faults.status, 'The sandbox was told to answer so.');
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
