import { type Json, listOf, objectOf, SandboxRefusal } from '../call.ts';
import { faultsOf } from '../directives.ts';
import { respondTo } from '../response.ts';
import { openAi } from './protocol.ts';
import { type Conversation, createConversation } from './realtime-conversation.ts';
import { realtimeEvents } from './realtime-events.ts';
import { createPlayer, type Play, type Running } from './realtime-player.ts';
import { parseResponses } from './responses-request.ts';

interface SessionDeps {
  readonly model: string;
  readonly seed: string;
  /** Aborted when the client has left. */
  readonly signal: AbortSignal;
  send(text: string): void;
  /** Drops the connection. */
  drop(): void;
}

/** Takes one event of the client; null for a message that is not an event. */
type Receive = (event: Json | null) => void;

/** One realtime session: its settings, its conversation and the response under way. */
export const createRealtimeSession = ({ model, seed, signal, send, drop }: SessionDeps): Receive => {
  let settings: Json = { ...DEFAULTS, id: `sess_${seed}`, model };
  let events = 0;
  let named = 0;
  const name = (kind: string): string => {
    named += 1;
    return `${kind}_${seed.slice(0, 16)}${named}`;
  };
  const emit = (type: string, fields: Json): void => {
    events += 1;
    if (!signal.aborted) send(JSON.stringify({ type, event_id: `event_${seed.slice(0, 16)}${events}`, ...fields }));
  };
  const conversation = createConversation(name);
  const play = createPlayer({ signal, send, drop, emit: ({ type, fields }) => emit(type, fields) });

  const fail = (error: unknown, event_id: unknown): void => {
    // The client has left, so nobody waits for the response.
    if (signal.aborted) return;
    if (!(error instanceof SandboxRefusal)) throw error;
    emit('error', { error: { ...objectOf(openAi.error(error, '').error), event_id: event_id ?? null } });
  };

  const responder = createResponder({ settings: () => settings, conversation, name, emit, play, fail });
  const handlers: Readonly<Record<string, (event: Json) => void>> = {
    'session.update': ({ session }) => {
      settings = updated(settings, objectOf(session));
      emit('session.updated', { session: settings });
    },
    'conversation.item.create': ({ item }) => {
      const added = conversation.add(objectOf(item));
      emit('conversation.item.added', added);
      emit('conversation.item.done', added);
    },
    'conversation.item.retrieve': ({ item_id }) => {
      emit('conversation.item.retrieved', { item: conversation.find(item_id) });
    },
    'conversation.item.delete': ({ item_id }) => {
      conversation.remove(item_id);
      emit('conversation.item.deleted', { item_id });
    },
    'response.create': ({ response, event_id }) => responder.start(objectOf(response), event_id),
    'response.cancel': () => responder.cancel(),
  };

  emit('session.created', { session: settings });
  return (event) => {
    try {
      if (event === null) throw invalid('The message is not a JSON object.', 'invalid_json');
      const handle = Object.hasOwn(handlers, String(event.type)) ? handlers[String(event.type)] : undefined;
      if (handle === undefined) throw invalid(`Invalid value: '${String(event.type)}'.`, 'invalid_value', 'type');
      handle(event);
    } catch (error) {
      fail(error, event?.event_id);
    }
  };
};

interface ResponderDeps {
  settings(): Json;
  readonly conversation: Conversation;
  /** Creates an id of a kind. */
  name(kind: string): string;
  emit(type: string, fields: Json): void;
  readonly play: Play;
  /** Sends an error event, with the id of the client's event that caused it. */
  fail(error: unknown, event_id: unknown): void;
}

/** Creates the responses of a session, one at a time. */
const createResponder = ({ settings, conversation, name, emit, play, fail }: ResponderDeps) => {
  let active: Running | null = null;
  const respond = async (requested: Json, running: Running): Promise<void> => {
    const given = { ...settings(), ...requested };
    const call = parseResponses(bodyOf(given, requested.input ?? conversation.items));
    const faults = faultsOf(call.user_text, openAi.name, () => 0) ?? {};
    const made = realtimeEvents({ call, response: respondTo(call, faults), name, given });
    const end = await play(made.frames, faults, running);
    if (end === 'sent' && requested.conversation !== 'none') conversation.append(made.output);
    if (end !== 'lost') emit('response.done', { response: end === 'sent' ? made.done : cancelled(made.done) });
  };
  return {
    /** @throws SandboxRefusal while another one is under way */
    start: (requested: Json, event_id: unknown): void => {
      if (active !== null) throw invalid(ALREADY_ACTIVE, 'conversation_already_has_active_response');
      const running = { cancelled: false };
      active = running;
      respond(requested, running)
        .catch((error: unknown) => fail(error, event_id))
        .finally(() => {
          active = null;
        });
    },
    /** @throws SandboxRefusal if none is under way */
    cancel: (): void => {
      if (active === null) throw invalid('Cancellation failed: no active response found', 'response_cancel_not_active');
      active.cancelled = true;
    },
  };
};

const ALREADY_ACTIVE = 'Conversation already has an active response in progress.';

const DEFAULTS: Json = {
  type: 'realtime',
  object: 'realtime.session',
  output_modalities: ['text'],
  instructions: '',
  tools: [],
  tool_choice: 'auto',
  max_output_tokens: 'inf',
  tracing: null,
  prompt: null,
  expires_at: 0,
};

const invalid = (message: string, code: string, param: string | null = null): SandboxRefusal =>
  new SandboxRefusal(400, message, param, { code });

/** Settings in the form of a response's body. */
const bodyOf = ({ model, tools, tool_choice, instructions, max_output_tokens }: Json, input: unknown): Json => ({
  model,
  tools,
  tool_choice,
  instructions,
  input: listOf(input).length === 0 ? '' : input,
  ...(typeof max_output_tokens === 'number' ? { max_output_tokens } : {}),
});

const cancelled = (done: Json): Json => ({
  ...done,
  status: 'cancelled',
  status_details: { type: 'cancelled', reason: 'client_cancelled' },
  output: [],
});

const updated = (settings: Json, changes: Json): Json => {
  const { model, output_modalities } = changes;
  if (output_modalities !== undefined && !listOf(output_modalities).includes('text')) {
    throw invalid('The sandbox speaks in text only.', 'invalid_value', 'session.output_modalities');
  }
  if (model !== undefined && model !== settings.model) {
    throw invalid('Cannot update the model of a session.', 'cannot_update_model', 'session.model');
  }
  return { ...settings, ...changes, id: settings.id };
};
