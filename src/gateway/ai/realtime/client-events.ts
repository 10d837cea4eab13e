import { OneVaultError } from '../../../core/errors.ts';
import type { Message } from '../../../http/web-socket.ts';
import type { JsonObject } from '../../../providers/chat-form.ts';
import { isObject } from '../../../providers/json.ts';
import { fieldsOf } from '../../../providers/json-text.ts';

/** An event of the client, as far as the gateway reads it. */
export interface ClientEvent {
  readonly type: string;
  /** The client's own id of the event; null if it sent none. */
  readonly event_id: string | null;
  readonly fields: JsonObject;
}

/** Refuses to pass an event on. The client gets the reason as an error event, and the session goes on. */
export class EventRefusal extends Error {
  readonly error: OneVaultError;
  readonly event_id: string | null;

  constructor(error: OneVaultError, event_id: string | null) {
    super(error.message, { cause: error });
    this.name = 'EventRefusal';
    this.error = error;
    this.event_id = event_id;
  }
}

/** @throws EventRefusal if a provider might read the message differently from the gateway */
export const readClientEvent = ({ kind, payload }: Message): ClientEvent => {
  // A provider may read bytes as an event, but the gateway does not check them.
  if (kind === 'binary') throw invalid('A binary message is not an event. Send events as text messages.', null, null);
  const text = payload.toString();
  let fields: unknown;
  try {
    fields = JSON.parse(text);
  } catch (cause) {
    const details = cause instanceof Error ? cause.message : '';
    throw new EventRefusal(new OneVaultError('malformed_json', { details }), null);
  }
  if (!isObject(fields))
    throw invalid('The message is not a JSON object. Send each event as one JSON object.', null, null);
  const event_id = typeof fields.event_id === 'string' ? fields.event_id : null;
  if (typeof fields.type !== 'string') throw invalid('The event has no type. Set type to a string.', 'type', event_id);
  const seen = new Set<string>();
  const duplicate = fieldsOf(text).find(({ name }) => seen.size === seen.add(name).size)?.name;
  if (duplicate !== undefined) {
    const details = `The event has the field ${duplicate.slice(0, 100)} twice. Send it once.`;
    throw invalid(details, duplicate, event_id);
  }
  return { type: fields.type, event_id, fields };
};

const invalid = (details: string, param: string | null, event_id: string | null): EventRefusal => {
  const where = param === null ? {} : { param };
  return new EventRefusal(new OneVaultError('invalid_request', { details, ...where }), event_id);
};

/** Limits of the events of one session. */
export interface EventRules {
  /** The session's model, as the client named it. */
  readonly model: string;
  /** The same model, as the provider names it. */
  readonly provider_model: string;
  /** True if the customer may use parts that have no price. */
  readonly allows_unpriced: boolean;
}

const SESSION_EVENTS: ReadonlySet<string> = new Set(['session.update', 'transcription_session.update']);

/**
 * Checks that an event keeps the session's model, and uses nothing without a price.
 * @returns the event with the provider's name of the model; null if it passes unchanged
 * @throws EventRefusal
 */
export const holdToRules = (
  { type, event_id, fields }: ClientEvent,
  { model, provider_model, allows_unpriced }: EventRules,
): string | null => {
  const holder = SESSION_EVENTS.has(type) ? 'session' : type === 'response.create' ? 'response' : null;
  const given = holder === null ? null : fields[holder];
  if (holder === null || !isObject(given)) return null;
  if (holder === 'session' && !allows_unpriced && wantsTranscripts(given)) {
    const details = 'Another model makes transcripts of input, and it has no price in a session. Leave them out.';
    const error = new OneVaultError('unpriced_model', {
      param: 'session.audio.input.transcription',
      details,
    });
    throw new EventRefusal(error, event_id);
  }
  const requested = given.model;
  if (requested === undefined || requested === null || requested === provider_model) return null;
  if (requested !== model) {
    const details = 'The model of a session cannot change. Open another session for another model.';
    throw invalid(details, `${holder}.model`, event_id);
  }
  return JSON.stringify({ ...fields, [holder]: { ...given, model: provider_model } });
};

const wantsTranscripts = ({ audio, input_audio_transcription }: JsonObject): boolean => {
  const input = isObject(audio) && isObject(audio.input) ? audio.input : {};
  return [input.transcription, input_audio_transcription].some((setting) => (setting ?? null) !== null);
};

// Fields with sound or an image in base64.
const NO_TEXT: ReadonlySet<string> = new Set(['audio', 'image_url', 'delta']);

/** All text of an event that a person may have written. */
export const textOfEvent = ({ fields }: ClientEvent): string => {
  const texts: string[] = [];
  // A list instead of recursion, because a client may nest values to any depth.
  const waiting: unknown[] = [fields];
  for (let value = waiting.pop(); value !== undefined; value = waiting.pop()) {
    if (typeof value === 'string') texts.push(value);
    else if (Array.isArray(value)) for (const each of value) waiting.push(each);
    else if (isObject(value))
      for (const [name, each] of Object.entries(value))
        if (!(NO_TEXT.has(name) && typeof each === 'string')) waiting.push(each);
  }
  return texts.reverse().join('\n');
};
