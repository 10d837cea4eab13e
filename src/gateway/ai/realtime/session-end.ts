import { type ErrorCode, OneVaultError } from '../../../core/errors.ts';
import { CLOSE_CODES, type CloseFrame, type FrameFault, type Received } from '../../../http/web-socket.ts';

export type Side = 'client' | 'provider';

/** The reason that a session ends, and the close frame for both sides. */
export interface SessionEnd {
  readonly by: Side | 'gateway';
  /** Recorded; 1006 if a connection was cut. */
  readonly close_code: number;
  /** Null if the session ended regularly. */
  readonly error: OneVaultError | null;
  /** The close frame of the side that closes; null if there was none. */
  readonly frame: CloseFrame | null;
}

/** The ending for the last thing received from a side. */
export const endBy = (side: Side, last: Exclude<Received, { readonly payload: Buffer }>): SessionEnd => {
  if (last.kind === 'close') return closedBy(side, last.frame);
  return last.kind === 'fault' ? brokenBy(side, last.fault) : cutBy(side);
};

const closedBy = (by: Side, frame: CloseFrame): SessionEnd => ({
  by,
  frame,
  close_code: frame.code,
  error: by === 'client' || REGULAR.has(frame.code) ? null : providerGone(`with code ${frame.code}`),
});

// A provider uses these codes for a session that reached its longest duration.
const REGULAR: ReadonlySet<number> = new Set([CLOSE_CODES.normal, CLOSE_CODES.going_away, CLOSE_CODES.no_code]);

const providerGone = (how: string): OneVaultError =>
  new OneVaultError('provider_disconnected', { details: `The provider closed the session ${how}.` });

const cutBy = (by: Side): SessionEnd => ({
  by,
  close_code: CLOSE_CODES.cut,
  frame: null,
  error: by === 'client' ? new OneVaultError('client_closed_request') : providerGone('without a close frame'),
});

const brokenBy = (by: Side, { close_code, message: details }: FrameFault): SessionEnd => {
  if (by === 'provider') return endedFor(new OneVaultError('provider_malformed', { details }), 'provider');
  const code = close_code === CLOSE_CODES.too_big ? 'body_too_large' : 'invalid_request';
  return { ...endedFor(new OneVaultError(code, { details })), close_code };
};

/** The ending for an error, which the gateway reports. */
export const endedFor = (error: OneVaultError, by: 'gateway' | 'provider' = 'gateway'): SessionEnd => ({
  by,
  error,
  frame: null,
  close_code: CODE_OF[error.code] ?? CLOSE_CODES.policy,
});

/** The ending for an error thrown while a message of `side` was handled. */
export const endOf = (thrown: unknown, side: Side): SessionEnd => {
  if (!(thrown instanceof OneVaultError)) return endedFor(new OneVaultError('internal_error', { cause: thrown }));
  return endedFor(thrown, thrown.code.startsWith('provider_') && side === 'provider' ? 'provider' : 'gateway');
};

const CODE_OF: Partial<Record<ErrorCode, number>> = {
  provider_malformed: CLOSE_CODES.internal_error,
  provider_timeout: CLOSE_CODES.internal_error,
  provider_disconnected: CLOSE_CODES.internal_error,
  internal_error: CLOSE_CODES.internal_error,
  journal_unavailable: CLOSE_CODES.try_again,
  not_ready: CLOSE_CODES.going_away,
};
