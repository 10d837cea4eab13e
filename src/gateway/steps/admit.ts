import type { Step } from '../call.ts';
import { intentRecord } from '../call-record.ts';
import type { GatewayDeps } from '../deps.ts';

/** Appends the intent to the journal. It is on disk before a provider sees the call. */
export const admit =
  ({ journal, clock }: GatewayDeps): Step =>
  async (call) => {
    call.chosen = call.route!.candidates[0]!;
    call.intent_sequence = await journal.append(intentRecord(call, clock.now()));
  };
