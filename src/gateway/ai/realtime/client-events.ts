import { OneVaultError } from '../../../core/errors.ts';
import type { Message } from '../../../http/web-socket.ts';
import type { JsonObject } from '../../../providers/chat-form.ts';
import { isObject } from '../../../providers/json.ts';
import { fieldsOf } from '../../../providers/json-text.ts';

/** What a client's event says, as far as the gateway has to know. */
export interface ClientEvent {
  readonly type: string;
  /** The client's own name of it; null where it gave none. */
  readonly event_id: string | null;
  readonly fields: JsonObject;
}

/** An event that is not passed on: the client is told why, and the session goes on. */
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

/** @throws EventRefusal where a provider might read the message otherwise than we do */
export const readClientEvent = ({ kind, payload }: Message): ClientEvent => {
  // A provider that reads bytes as an event would be told what we have not seen.
  if (kind === 'binary') throw invalid('Events are text messages, not binary ones.', null, null);
  const text = payload.toString();
  let fields: unknown;
  try {
    fields = JSON.parse(text);
  } catch (cause) {
    const details = cause instanceof Error ? cause.message : '';
    throw new EventRefusal(new OneVaultError('malformed_json', { details }), null);
  }
  if (!isObject(fields)) throw invalid('An event is a JSON object.', null, null);
  const event_id = typeof fields.event_id === 'string' ? fields.event_id : null;
  if (typeof fields.type !== 'string') throw invalid('An event has a type, which is a text.', 'type', event_id);
  const seen = new Set<string>();
  const twice = fieldsOf(text).find(({ name }) => seen.size === seen.add(name).size)?.name;
  if (twice !== undefined) throw invalid(`The field ${twice.slice(0, 100)} stands twice.`, twice, event_id);
  return { type: fields.type, event_id, fields };
};

const invalid = (details: string, param: string | null, event_id: string | null): EventRefusal => {
  const where = param === null ? {} : { param };
  return new EventRefusal(new OneVaultError('invalid_request', { details, ...where }), event_id);
};

export interface EventRules {
  /** What the client called the session's model. */
  readonly model: string;
  /** What the provider calls it. */
  readonly served_as: string;
  /** Whether what has no price may be used. */
  readonly allows_unpriced: boolean;
}

const SESSION_EVENTS: ReadonlySet<string> = new Set(['session.update', 'transcription_session.update']);

/**
 * Holds an event to what the session was opened for: its model, and what has a price.
 * @returns the event in the provider's words where that is another text, else null: it passes as it is
 * @throws EventRefusal
 */
export const holdToRules = (
  { type, event_id, fields }: ClientEvent,
  { model, served_as, allows_unpriced }: EventRules,
): string | null => {
  const holder = SESSION_EVENTS.has(type) ? 'session' : type === 'response.create' ? 'response' : null;
  const given = holder === null ? null : fields[holder];
  if (holder === null || !isObject(given)) return null;
  if (holder === 'session' && !allows_unpriced && asksForTranscripts(given)) {
    const details = 'Transcripts of input come from another model, whose use has no price in a session.';
    const error = new OneVaultError('unpriced_model', {
      param: 'session.audio.input.transcription',
      details,
    });
    throw new EventRefusal(error, event_id);
  }
  const asked = given.model;
  if (asked === undefined || asked === null || asked === served_as) return null;
  if (asked !== model) throw invalid('The model of a session stays what it is.', `${holder}.model`, event_id);
  return JSON.stringify({ ...fields, [holder]: { ...given, model: served_as } });
};

const asksForTranscripts = ({ audio, input_audio_transcription }: JsonObject): boolean => {
  const input = isObject(audio) && isObject(audio.input) ? audio.input : {};
  return [input.transcription, input_audio_transcription].some((asked) => (asked ?? null) !== null);
};

// What is sound or a picture, in base64.
const NO_TEXT: ReadonlySet<string> = new Set(['audio', 'image_url', 'delta']);

/** All that a person may have written in an event. */
export const textOfEvent = ({ fields }: ClientEvent): string => {
  const texts: string[] = [];
  // A list and no recursion: nothing bounds how deep a client nests values.
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
