import type { Form, FormPart } from '../../../../http/multipart.ts';
import { createValidator } from '../../../../http/validate.ts';
import { invalid } from '../../../../providers/invalid.ts';
import type { ClientProtocol } from '../../client-protocol.ts';
import { multipartBody } from '../../multipart-body.ts';
import { transcriptionOperation } from '../../operations/transcription.ts';
import { openAiErrorFormat } from './error-format.ts';
import schema from './transcriptions.schema.json' with { type: 'json' };

interface TranscriptionsFields {
  readonly model: string;
  readonly prompt?: string;
  readonly stream?: 'true' | 'false';
}

/** OpenAI's transcriptions: a form with an audio file. */
export const createTranscriptions = (): ClientProtocol => {
  const validate = createValidator<TranscriptionsFields>(schema);
  return {
    path: '/v1/audio/transcriptions',
    endpoint: '/v1/audio/transcriptions',
    protocol_name: 'openai-transcriptions',
    error_format: openAiErrorFormat,
    body_reader: multipartBody,
    read: (body) => {
      const form = body as Form;
      const known = knownParts(form);
      const file = fileOf(known.get('file'));
      const texts = [...known].filter(([name]) => name !== 'file').map(([name, { text }]) => [name, text] as const);
      const { model, stream } = validate(Object.fromEntries(texts));
      return {
        model,
        type: 'transcription',
        priority: null,
        max_cost: null,
        stream: stream === 'true',
        include_usage: true,
        contentFor: (name) => form.withContent(known.get('model')!, name),
        operation: transcriptionOperation({ prompt: promptText(form), file_bytes: file.end - file.start }),
      };
    },
  };
};

const KNOWN: ReadonlySet<string> = new Set(['file', ...Object.keys(schema.properties)]);

/**
 * Known parts of a form, by name.
 * @throws OneVaultError invalid_request, naming a wrong part
 */
const knownParts = ({ parts }: Form): ReadonlyMap<string, FormPart> => {
  const known = new Map<string, FormPart>();
  for (const part of parts) {
    const { name, file_name } = part;
    if (!KNOWN.has(name)) continue;
    if (known.has(name)) throw invalid(name, 'is given twice in the form: send it once');
    if (file_name !== null && name !== 'file') throw invalid(name, 'is a file: send it as text, without a file name');
    known.set(name, part);
  }
  return known;
};

const fileOf = (part: FormPart | undefined): FormPart => {
  if (part === undefined) throw invalid('file', 'is missing: send the audio as a file');
  if (part.file_name === null) throw invalid('file', 'is text: send the audio as a file, with a file name');
  if (part.file_name === '')
    throw invalid('file', 'has no file name: send one, because its ending names the audio format');
  if (part.end === part.start) throw invalid('file', 'is empty: send the audio');
  return part;
};

// Settings, which are not free text, and references of speakers, which are audio.
const NO_PROMPT: ReadonlySet<string> = new Set([
  ...[...KNOWN].filter((name) => name !== 'prompt'),
  'include[]',
  'timestamp_granularities[]',
  'known_speaker_references[]',
]);

/** All text that a person wrote: the prompt, names of speakers, and unknown parts. */
const promptText = ({ parts }: Form): string =>
  parts
    .filter(({ name, file_name }) => file_name === null && !NO_PROMPT.has(name))
    .map(({ text }) => text)
    .join('\n');
