import { hash } from 'node:crypto';
import { checkModel, type Json, SandboxRefusal, tokensOf } from '../call.ts';
import { withoutDirectives } from '../directives.ts';
import type { Endpoint, ParsedRequest, StreamForm } from '../protocol.ts';
import type { SandboxFile } from './form.ts';
import { BROKEN_STREAM, openAi } from './protocol.ts';

// Every file counts as sound of 16 bits at 16 kHz.
const BYTES_PER_SECOND = 32_000;
const TOKENS_PER_SECOND = 10;
const WHISPER_FORMATS = ['json', 'text', 'srt', 'verbose_json', 'vtt'] as const;
const TOKEN_FORMATS = ['json', 'text'] as const;
const TEXT_TYPE = 'text/plain; charset=utf-8';

interface TranscriptionCall {
  readonly file: SandboxFile;
  readonly prompt: string;
  readonly format: string;
  /** True for a model that counts seconds and does not stream. */
  readonly is_whisper: boolean;
  readonly stream: boolean;
}

/** OpenAI's transcriptions. The text identifies the received file by its name, size and hash. */
export const openAiTranscriptions: Endpoint = {
  protocol: openAi,
  read: (body) => {
    const call = parseTranscription(body);
    return {
      user_text: call.prompt,
      ...formOf(call),
      write: (_seed, { tokens }) => {
        const words = wordsOf(call, tokens);
        return call.stream ? framesOf(call, words) : [wholeOf(call, words.join(''))];
      },
    };
  },
};

const EVENTS: StreamForm = {
  sse: true,
  errorFrame: () => {
    const error = { type: 'server_error', code: null, message: BROKEN_STREAM, param: null };
    return `data: ${JSON.stringify({ error })}\n\n`;
  },
  wrongFrame: () => 'data: {"type":"transcript.text.done","text":7,"usage":"much"}\n\n',
};

const formOf = ({ stream, format }: TranscriptionCall): Pick<ParsedRequest, 'stream' | 'content_type'> => {
  if (stream) return { stream: EVENTS };
  return { stream: null, ...(format.endsWith('json') ? {} : { content_type: TEXT_TYPE }) };
};

const parseTranscription = ({ model, file, prompt, response_format = 'json', stream }: Json): TranscriptionCall => {
  if (typeof model !== 'string') throw new SandboxRefusal(400, 'you must provide a model parameter', 'model');
  checkModel(model);
  if (typeof file !== 'object' || file === null)
    throw new SandboxRefusal(400, "Missing required parameter: 'file'.", 'file');
  const is_whisper = !model.startsWith('gpt-');
  const formats: readonly string[] = is_whisper ? WHISPER_FORMATS : TOKEN_FORMATS;
  if (typeof response_format !== 'string' || !formats.includes(response_format)) {
    const message = `response_format '${String(response_format)}' is not compatible with model '${model}'. Use ${formats.join(' or ')}.`;
    throw new SandboxRefusal(400, message, 'response_format', { code: 'unsupported_value' });
  }
  return {
    file: file as SandboxFile,
    prompt: typeof prompt === 'string' ? prompt : '',
    format: response_format,
    is_whisper,
    stream: stream === 'true' && !is_whisper,
  };
};

const wordsOf = ({ file: { file_name, bytes }, prompt }: TranscriptionCall, tokens?: number): readonly string[] => {
  if (tokens !== undefined) return Array.from({ length: tokens }, (_, index) => `word ${index} `);
  const about = withoutDirectives(prompt);
  const digest = hash('sha256', bytes).slice(0, 16);
  const text = `The file ${file_name} has ${bytes.length} bytes, SHA-256 ${digest}.${about === '' ? '' : ` You wrote: ${about}`}`;
  return text.match(/\S+\s*/g) ?? [];
};

const secondsOf = ({ file }: TranscriptionCall): number => Math.ceil(file.bytes.length / BYTES_PER_SECOND);

const usageOf = (call: TranscriptionCall, text: string): Json => {
  if (call.is_whisper) return { type: 'duration', seconds: secondsOf(call) };
  const audio_tokens = secondsOf(call) * TOKENS_PER_SECOND;
  const text_tokens = tokensOf(withoutDirectives(call.prompt).length);
  const output_tokens = tokensOf(text.length);
  return {
    type: 'tokens',
    total_tokens: audio_tokens + text_tokens + output_tokens,
    input_tokens: audio_tokens + text_tokens,
    input_token_details: { text_tokens, audio_tokens },
    output_tokens,
  };
};

const wholeOf = (call: TranscriptionCall, text: string): string => {
  const seconds = secondsOf(call);
  const until = new Date(seconds * 1_000).toISOString().slice(11, 23);
  switch (call.format) {
    case 'text':
      return `${text}\n`;
    case 'srt':
      return `1\n00:00:00,000 --> ${until.replace('.', ',')}\n${text}\n\n\n`;
    case 'vtt':
      return `WEBVTT\n\n00:00:00.000 --> ${until}\n${text}\n\n`;
    case 'verbose_json': {
      const segment = { id: 0, seek: 0, start: 0, end: seconds, text, tokens: [], temperature: 0 };
      const usage = usageOf(call, text);
      return JSON.stringify({
        task: 'transcribe',
        language: 'english',
        duration: seconds,
        text,
        segments: [segment],
        usage,
      });
    }
    default:
      return JSON.stringify({ text, usage: usageOf(call, text) });
  }
};

const framesOf = (call: TranscriptionCall, words: readonly string[]): readonly string[] => {
  const text = words.join('');
  const done = { type: 'transcript.text.done', text, usage: usageOf(call, text) };
  return [...words.map((delta) => event({ type: 'transcript.text.delta', delta })), event(done), 'data: [DONE]\n\n'];
};

const event = (data: Json): string => `data: ${JSON.stringify(data)}\n\n`;
