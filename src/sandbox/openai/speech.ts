import { checkModel, type Json, piecesOfSize, SandboxRefusal, tokensOf } from '../call.ts';
import { type Faults, withoutDirectives } from '../directives.ts';
import type { Endpoint, ParsedRequest, StreamForm } from '../protocol.ts';
import { BROKEN_STREAM, openAi } from './protocol.ts';
import { SOUND_TYPES, type SoundFormat, soundOf } from './sound.ts';

const INPUT_MAX_CHARS = 4_096;
const SECONDS_PER_CHAR = 0.06;
const TOKENS_PER_SECOND = 20;
const CHUNK_BYTES = 4_800;

/** OpenAI's speech: a tone as long as the text, in chunks or as events. */
export const openAiSpeech: Endpoint = {
  protocol: openAi,
  read: (body) => {
    const call = parseSpeech(body);
    const { input, format, by_events } = call;
    return {
      user_text: input,
      ...(by_events ? EVENTS : chunksIn(format)),
      write: (_seed, faults) => write(call, faults),
    };
  },
};

interface SpeechCall {
  readonly input: string;
  readonly instructions: string;
  readonly format: SoundFormat;
  readonly speed: number;
  readonly by_events: boolean;
}

type Form = Pick<ParsedRequest, 'stream' | 'content_type' | 'encoding'>;

const ERROR = { type: 'server_error', code: null, message: BROKEN_STREAM, param: null };

const EVENT_STREAM: StreamForm = {
  sse: true,
  errorFrame: () => `data: ${JSON.stringify({ error: ERROR })}\n\n`,
  wrongFrame: () => 'data: {"type":"speech.audio.done","usage":"much"}\n\n',
};

const EVENTS: Form = { stream: EVENT_STREAM };

/** An audio stream cannot contain an error. */
const chunksIn = (format: SoundFormat): Form => ({
  stream: { sse: false, errorFrame: () => null, wrongFrame: () => '' },
  content_type: SOUND_TYPES[format],
  encoding: 'latin1',
});

const parseSpeech = (body: Json): SpeechCall => {
  const { model, input, voice, instructions, response_format = 'mp3', speed = 1, stream_format } = body;
  if (typeof model !== 'string') throw new SandboxRefusal(400, 'you must provide a model parameter', 'model');
  checkModel(model);
  if (typeof input !== 'string' || input === '' || input.length > INPUT_MAX_CHARS) {
    throw new SandboxRefusal(400, `Invalid 'input': expected a string of 1 to ${INPUT_MAX_CHARS} characters.`, 'input');
  }
  if (voice === undefined || voice === null)
    throw new SandboxRefusal(400, "Missing required parameter: 'voice'.", 'voice');
  if (typeof response_format !== 'string' || !Object.hasOwn(SOUND_TYPES, response_format)) {
    throw new SandboxRefusal(400, 'The sandbox speaks mp3, wav and pcm.', 'response_format');
  }
  if (typeof speed !== 'number' || speed < 0.25 || speed > 4) {
    throw new SandboxRefusal(400, "Invalid 'speed': expected a number from 0.25 to 4.", 'speed');
  }
  const by_events = stream_format === 'sse';
  if (by_events && model.startsWith('tts-')) {
    throw new SandboxRefusal(400, `The model \`${model}\` does not support stream_format 'sse'.`, 'stream_format');
  }
  return {
    input,
    instructions: typeof instructions === 'string' ? instructions : '',
    format: response_format as SoundFormat,
    speed,
    by_events,
  };
};

const write = (
  { input, instructions, format, speed, by_events }: SpeechCall,
  { tokens }: Faults,
): readonly string[] => {
  const spoken = withoutDirectives(input);
  const seconds =
    tokens === undefined ? Math.max(0.1, (spoken.length * SECONDS_PER_CHAR) / speed) : tokens / TOKENS_PER_SECOND;
  const sound = soundOf(format, seconds);
  if (!by_events) return piecesOfSize(sound.toString('latin1'), CHUNK_BYTES);
  const deltas = Array.from({ length: Math.ceil(sound.length / CHUNK_BYTES) }, (_, index) =>
    event({
      type: 'speech.audio.delta',
      audio: sound.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES).toString('base64'),
    }),
  );
  const input_tokens = tokensOf(spoken.length + instructions.length);
  const output_tokens = Math.ceil(seconds * TOKENS_PER_SECOND);
  const usage = { input_tokens, output_tokens, total_tokens: input_tokens + output_tokens };
  return [...deltas, event({ type: 'speech.audio.done', usage })];
};

const event = (data: Json): string => `data: ${JSON.stringify(data)}\n\n`;
