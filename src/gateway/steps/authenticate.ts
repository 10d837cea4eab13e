import type { Step } from '../call.ts';
import type { GatewayDeps } from '../deps.ts';
import { identify } from '../identify.ts';

/** Finds the API key of a call and its customer, and refuses a key that may not be used. */
export const authenticate =
  ({ snapshot, clock }: GatewayDeps): Step =>
  (call) => {
    const { api_key, customer, refusal } = identify(snapshot(), call.ctx.req, clock.now());
    call.api_key = api_key;
    call.customer = customer;
    if (refusal !== null) throw refusal;
  };
