import { type ErrorCode, OneVaultError } from '../../../core/errors.ts';
import { CLOSE_CODES, FrameFault } from './frame-reader.ts';

/** Why a session ends, and what each side is told. */
export interface Ending {
  readonly by: 'client' | 'provider' | 'gateway';
  /** As recorded: 1006 where a connection was cut. */
  readonly close_code: number;
  /** Null where it ended as sessions do. */
  readonly error: OneVaultError | null;
  /** The close frame of the side that closes; null where there was none. */
  readonly frame: readonly Buffer[] | null;
}

/** One side said that it closes. */
export const closedBy = (by: 'client' | 'provider', close_code: number, frame: readonly Buffer[]): Ending => ({
  by,
  close_code,
  frame,
  error: by === 'client' || REGULAR.has(close_code) ? null : providerGone(`with code ${close_code}`),
});

// A provider ends sessions that have lasted long enough.
const REGULAR: ReadonlySet<number> = new Set([CLOSE_CODES.normal, CLOSE_CODES.going_away, CLOSE_CODES.no_code]);

const providerGone = (how: string): OneVaultError =>
  new OneVaultError('provider_disconnected', { details: `It closed the session ${how}.` });

/** One side's connection broke off. */
export const cutBy = (by: 'client' | 'provider'): Ending => ({
  by,
  close_code: CLOSE_CODES.cut,
  frame: null,
  error: by === 'client' ? new OneVaultError('client_closed_request') : providerGone('without a word'),
});

/** What one side sent is no WebSocket. */
export const brokenBy = (by: 'client' | 'provider', fault: FrameFault): Ending => {
  const details = `${fault.message[0]!.toUpperCase()}${fault.message.slice(1)}.`;
  if (by === 'provider') return endedFor(new OneVaultError('provider_malformed', { details }), 'provider');
  const code = fault.close_code === CLOSE_CODES.too_big ? 'body_too_large' : 'invalid_request';
  return { ...endedFor(new OneVaultError(code, { details }), 'gateway'), close_code: fault.close_code };
};

/** The gateway ends it. */
export const endedFor = (error: OneVaultError, by: 'gateway' | 'provider' = 'gateway'): Ending => ({
  by,
  error,
  frame: null,
  close_code: CODE_OF[error.code] ?? CLOSE_CODES.policy,
});

/** What broke the reading of one side, or the handling of what it said. */
export const endingOf = (thrown: unknown, side: 'client' | 'provider'): Ending => {
  if (thrown instanceof FrameFault) return brokenBy(side, thrown);
  if (!(thrown instanceof OneVaultError))
    return isOfStream(thrown) ? cutBy(side) : endedFor(new OneVaultError('internal_error', { cause: thrown }));
  return endedFor(thrown, thrown.code.startsWith('provider_') && side === 'provider' ? 'provider' : 'gateway');
};

/** Node gives its own faults a code. */
const isOfStream = (thrown: unknown): boolean => thrown instanceof Error && 'code' in thrown;

const CODE_OF: Partial<Record<ErrorCode, number>> = {
  provider_malformed: CLOSE_CODES.internal_error,
  provider_timeout: CLOSE_CODES.internal_error,
  provider_disconnected: CLOSE_CODES.internal_error,
  internal_error: CLOSE_CODES.internal_error,
  journal_unavailable: CLOSE_CODES.try_again,
  not_ready: CLOSE_CODES.going_away,
};
