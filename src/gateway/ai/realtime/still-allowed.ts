import type { OneVaultError } from '../../../core/errors.ts';
import { keyRefused } from '../../../providers/check-key.ts';
import type { Call } from '../../call.ts';
import type { GatewayDeps } from '../../deps.ts';
import { identify } from '../../identify.ts';
import { isHeld } from '../../routing/credentials.ts';

/** Why the session may not go on, though it was let in. */
export const refusalOf = (deps: GatewayDeps, call: Call, now_ms: number): OneVaultError | null => {
  const { refusal } = identify(deps.snapshot(), call.ctx.req, now_ms);
  if (refusal !== null) return refusal;
  const { provider_key } = call.chosen!;
  if (provider_key === null || isHeld(deps.snapshot(), provider_key)) return null;
  return keyRefused('It was revoked or replaced while the session was open: open a new one.', null);
};
