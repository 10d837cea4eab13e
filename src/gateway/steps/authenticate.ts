import type { Step } from '../call.ts';
import type { GatewayDeps } from '../deps.ts';
import { identify } from '../identify.ts';
import { limitedRefusal } from '../limits/refused-keys.ts';

/** Finds the API key of a call and its customer, and refuses a key that may not be used. */
export const authenticate =
  (deps: GatewayDeps): Step =>
  (call) => {
    const { api_key, customer, refusal } = identify(deps.snapshot(), call.ctx.req, deps.clock.now());
    call.api_key = api_key;
    call.customer = customer;
    if (refusal !== null) throw limitedRefusal(deps, call.ctx.req, refusal);
  };
