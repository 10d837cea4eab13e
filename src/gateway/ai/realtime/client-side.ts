import { OneVaultError } from '../../../core/errors.ts';
import { type ComplianceFlag, detectFlags } from '../../guardrails/detectors.ts';
import {
  type ClientEvent,
  EventRefusal,
  type EventRules,
  holdToRules,
  readClientEvent,
  textOfEvent,
} from './client-events.ts';
import { errorEvent } from './error-event.ts';
import { OPCODES, type Received } from './frame-reader.ts';
import { writeFrame } from './frame-writer.ts';
import type { Session } from './session.ts';
import { RESPONSES_MAX } from './session-budget.ts';
import { refusalOf } from './still-allowed.ts';

// As much as is counted of any prompt.
const UNANSWERED_MAX_CHARS = 524_288;

const FLAGS: readonly ComplianceFlag[] = ['PHI', 'PII', 'CARD'];

/** Takes the client's messages: passes them on, or tells the client why not. */
export const createClientSide = (session: Session): ((message: Received) => Promise<void>) => {
  const { call, deps, client, to_provider } = session;
  const rules: EventRules = {
    model: call.parsed!.model!,
    served_as: call.chosen!.provider_model_name,
    allows_unpriced: call.customer!.unpriced_policy === 'allow',
  };
  const framesOf = async (message: Received): Promise<readonly Buffer[]> => {
    const event = readClientEvent(message);
    noteText(session, event);
    const rewritten = holdToRules(event, rules);
    if (event.type === 'response.create') await admitResponse(session, event);
    return rewritten === null ? message.raw : [writeFrame(OPCODES.text, Buffer.from(rewritten), true)];
  };
  return async (message) => {
    if (session.ending !== null) return;
    client.add(message);
    try {
      await to_provider.write(await framesOf(message));
    } catch (thrown) {
      if (!(thrown instanceof EventRefusal)) throw thrown;
      const { error, event_id } = thrown;
      await session.tell(errorEvent(error, { request_id: call.request_id, now_ms: deps.clock.now(), event_id }));
    }
  };
};

const noteText = (session: Session, event: ClientEvent): void => {
  const text = textOfEvent(event);
  const { compliance_flags } = session.call;
  const found = new Set<string>([...compliance_flags, ...detectFlags(text)]);
  if (found.size > compliance_flags.length) session.call.compliance_flags = FLAGS.filter((flag) => found.has(flag));
  session.unanswered_text = `${session.unanswered_text}\n${text}`.slice(-UNANSWERED_MAX_CHARS);
};

/** A response is asked for as a call is: with a key that holds, within its limit, and paid for. */
const admitResponse = async ({ call, deps, ledger }: Session, { event_id }: ClientEvent): Promise<void> => {
  const now_ms = deps.clock.now();
  const refusal = refusalOf(deps, call, now_ms);
  if (refusal !== null) throw refusal;
  const api_key = call.api_key!;
  const per_minute = api_key.rate_limit_requests_per_minute ?? call.customer!.rate_limit_requests_per_minute;
  if (per_minute !== null) {
    const { allowed, retry_after_s } = deps.limiter.take(api_key.api_key, per_minute, now_ms);
    if (!allowed) {
      const details = `The key may ask for ${per_minute} responses a minute: wait ${retry_after_s} s.`;
      throw new EventRefusal(new OneVaultError('rate_limit_exceeded', { details, retry_after_s }), event_id);
    }
  }
  if (ledger.under_way >= RESPONSES_MAX) {
    const details = `There are ${RESPONSES_MAX} responses under way: wait for one to end.`;
    throw new EventRefusal(new OneVaultError('rate_limit_exceeded', { details }), event_id);
  }
  await ledger.parsed(event_id);
};
