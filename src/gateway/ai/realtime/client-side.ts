import { OneVaultError } from '../../../core/errors.ts';
import type { Message } from '../../../http/web-socket.ts';
import { keyRefused } from '../../../providers/check-key.ts';
import type { Call } from '../../call.ts';
import type { GatewayDeps } from '../../deps.ts';
import { type ComplianceFlag, detectFlags } from '../../guardrails/detectors.ts';
import { identify } from '../../identify.ts';
import { isCurrentKey } from '../../routing/credentials.ts';
import {
  type ClientEvent,
  EventRefusal,
  type EventRules,
  holdToRules,
  readClientEvent,
  textOfEvent,
} from './client-events.ts';
import { errorEvent, type Session, UNANSWERED_MAX_CHARS } from './session.ts';
import { RESPONSES_MAX } from './session-budget.ts';

const FLAGS: readonly ComplianceFlag[] = ['PHI', 'PII', 'CARD', 'UNSCANNED'];

/** Takes the client's messages: passes them on, or answers with an error event. */
export const createClientSide = (session: Session): ((message: Message) => Promise<void>) => {
  const { call, provider, sent_by_client } = session;
  const rules: EventRules = {
    model: call.parsed!.model!,
    provider_model: call.chosen!.provider_model_name,
    allows_unpriced: call.customer!.unpriced_policy === 'allow',
  };
  /** @returns the message for the provider @throws EventRefusal */
  const check = async (message: Message): Promise<Buffer> => {
    const event = readClientEvent(message);
    noteText(session, event);
    const rewritten = holdToRules(event, rules);
    if (event.type === 'response.create') await admitResponse(session, event);
    return rewritten === null ? message.payload : Buffer.from(rewritten);
  };
  return async (message) => {
    if (session.ending !== null) return;
    sent_by_client.add(message);
    try {
      await provider.send('text', await check(message));
    } catch (thrown) {
      if (!(thrown instanceof EventRefusal)) throw thrown;
      await session.sendToClient(errorEvent(session, thrown.error, thrown.event_id));
    }
  };
};

const noteText = (session: Session, event: ClientEvent): void => {
  const text = textOfEvent(event);
  const { compliance_flags } = session.call;
  const found = new Set<string>([...compliance_flags, ...detectFlags(text)]);
  if (found.size > compliance_flags.length) session.call.compliance_flags = FLAGS.filter((flag) => found.has(flag));
  const unanswered = `${session.unanswered_text}\n${text}`;
  // Cut at twice the length: a cut copies the text, which took 100 µs for each event.
  const is_long = unanswered.length > 2 * UNANSWERED_MAX_CHARS;
  session.unanswered_text = is_long ? unanswered.slice(-UNANSWERED_MAX_CHARS) : unanswered;
};

/** Checks a request for a response like a call: the key is valid, its rate has room, and the budget pays for it. */
const admitResponse = async ({ call, deps, budget }: Session, { event_id }: ClientEvent): Promise<void> => {
  const now_ms = deps.clock.now();
  const refusal = refusalOf(deps, call, now_ms);
  if (refusal !== null) throw refusal;
  const api_key = call.api_key!;
  const per_minute = api_key.rate_limit_requests_per_minute ?? call.customer!.rate_limit_requests_per_minute;
  if (per_minute !== null) {
    const { allowed, retry_after_s } = deps.limiter.take(api_key.api_key, per_minute, now_ms);
    if (!allowed) {
      const details = `The key may request ${per_minute} responses a minute. Retry after ${retry_after_s} s.`;
      throw new EventRefusal(new OneVaultError('rate_limit_exceeded', { details, retry_after_s }), event_id);
    }
  }
  if (budget.under_way >= RESPONSES_MAX) {
    const details = `${RESPONSES_MAX} responses are under way. Wait for one to end.`;
    throw new EventRefusal(new OneVaultError('rate_limit_exceeded', { details }), event_id);
  }
  await budget.request(event_id);
};

/** The reason that an admitted session may not go on; null if it may. */
export const refusalOf = (deps: GatewayDeps, call: Call, now_ms: number): OneVaultError | null => {
  const { refusal } = identify(deps.snapshot(), call.ctx.req, now_ms);
  if (refusal !== null) return refusal;
  const { provider_key } = call.chosen!;
  if (provider_key === null || isCurrentKey(deps.snapshot(), provider_key)) return null;
  return keyRefused('It was revoked or replaced while the session was open. Open another session.', null);
};
