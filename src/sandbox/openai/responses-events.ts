import { type Json, listOf, objectOf, piecesOfSize } from '../call.ts';

interface ResponseParts {
  /** The response at its beginning and at its end. */
  readonly begun: Json;
  readonly ended: Json;
  /** The text and the thoughts, one token in each. */
  readonly pieces: readonly string[];
  readonly thinking: readonly string[];
}

const ARGUMENTS_PIECE_CHARS = 8;

/** The numbered events of a streamed response, in OpenAI's order. */
export const responseFrames = ({ begun, ended, pieces, thinking }: ResponseParts): string[] => {
  const out: string[] = [];
  const emit: Emit = (type, fields) => {
    const data = { type, sequence_number: out.length, ...fields };
    out.push(`event: ${type}\ndata: ${JSON.stringify(data)}\n\n`);
  };
  emit('response.created', { response: begun });
  emit('response.in_progress', { response: begun });
  for (const [output_index, item] of listOf(ended.output).map(objectOf).entries()) {
    const at = { output_index, item_id: item.id };
    emit('response.output_item.added', { output_index, item: emptied(item) });
    if (item.type === 'message') emitMessage(emit, at, { item, pieces });
    else if (item.type === 'function_call') emitArguments(emit, at, String(item.arguments));
    else emitSummary(emit, at, { item, thinking });
    emit('response.output_item.done', { output_index, item });
  }
  emit(ended.status === 'completed' ? 'response.completed' : 'response.incomplete', { response: ended });
  return out;
};

type Emit = (type: string, fields: Json) => void;

/** An item before its content. */
const emptied = (item: Json): Json => {
  switch (item.type) {
    case 'message':
      return { ...item, status: 'in_progress', content: [] };
    case 'function_call':
      return { ...item, status: 'in_progress', arguments: '' };
    default:
      return { ...item, summary: [] };
  }
};

const emitMessage = (emit: Emit, at: Json, { item, pieces }: { item: Json; pieces: readonly string[] }): void => {
  const part = objectOf(listOf(item.content)[0]);
  const place = { ...at, content_index: 0 };
  if (part.type === 'refusal') {
    emit('response.content_part.added', { ...place, part: { ...part, refusal: '' } });
    for (const delta of pieces) emit('response.refusal.delta', { ...place, delta });
    emit('response.refusal.done', { ...place, refusal: part.refusal });
  } else {
    emit('response.content_part.added', { ...place, part: { ...part, text: '' } });
    for (const delta of pieces) emit('response.output_text.delta', { ...place, delta, logprobs: [] });
    emit('response.output_text.done', { ...place, text: part.text, logprobs: [] });
  }
  emit('response.content_part.done', { ...place, part });
};

const emitArguments = (emit: Emit, at: Json, text: string): void => {
  for (const delta of piecesOfSize(text, ARGUMENTS_PIECE_CHARS)) {
    emit('response.function_call_arguments.delta', { ...at, delta });
  }
  emit('response.function_call_arguments.done', { ...at, arguments: text });
};

const emitSummary = (emit: Emit, at: Json, { item, thinking }: { item: Json; thinking: readonly string[] }): void => {
  for (const [summary_index, part] of listOf(item.summary).map(objectOf).entries()) {
    const place = { ...at, summary_index };
    emit('response.reasoning_summary_part.added', { ...place, part: { ...part, text: '' } });
    for (const delta of thinking) emit('response.reasoning_summary_text.delta', { ...place, delta });
    emit('response.reasoning_summary_text.done', { ...place, text: part.text });
    emit('response.reasoning_summary_part.done', { ...place, part });
  }
};
