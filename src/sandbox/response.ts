import {
  isJsonObject,
  type Json,
  type SandboxCall,
  type SandboxResponse,
  type SandboxToolCall,
  tokensOf,
} from './call.ts';
import { type Faults, withoutDirectives } from './directives.ts';
import { sampleOf } from './sample.ts';

// With a longer response to a long prompt, benchmarks would measure the prompt instead of the gateway.
const ECHO_MAX_TOKENS = 256;
const WORDS = 'one two three four five six seven eight nine ten'.split(' ');
const THOUGHT = 'The user wrote something. I shall repeat it.';
const PREFACE = 'I shall look that up.';
const REFUSAL = 'I cannot help with that.';

/**
 * The response to a call: the same for the same call, in any protocol. It calls tools if the call demands them or the
 * user's text names them, fills a JSON Schema with sample values, or repeats the user's text or counts to `tokens`.
 */
export const respondTo = (call: SandboxCall, faults: Faults): SandboxResponse => {
  const cached_tokens = Math.min(faults.cached_tokens ?? 0, call.prompt_tokens);
  const thinking = thoughtsOf(call, faults);
  const around = {
    thinking,
    stop_sequence: null,
    cached_tokens,
    cache_write_tokens: Math.min(faults.cache_write_tokens ?? 0, call.prompt_tokens - cached_tokens),
  };
  const refusing = faults.refuse === true || faults.block === true;
  const tool_calls = faults.tokens === undefined && !refusing ? toolCalls(call, faults) : [];
  if (tool_calls.length > 0) {
    const chars = tool_calls.reduce((sum, { name, input }) => sum + name.length + JSON.stringify(input).length, 0);
    const pieces = faults.preface === true ? piecesOf(PREFACE) : [];
    const completion_tokens = tokensOf(chars) + pieces.length;
    return { ...around, pieces, tool_calls, finish: 'tool_calls', completion_tokens };
  }
  const { pieces, stop_sequence } = stopped(wantedOf(call, faults), call.stop);
  // Thoughts count towards the limit of tokens.
  const kept = call.max_tokens === null ? pieces : pieces.slice(0, call.max_tokens - thinking.length);
  const cut = kept.length < pieces.length;
  return {
    ...around,
    pieces: kept,
    tool_calls: [],
    finish: cut ? 'length' : finishOf(faults),
    stop_sequence: cut ? null : stop_sequence,
    completion_tokens: kept.length,
  };
};

const finishOf = ({ refuse, block }: Faults): SandboxResponse['finish'] => {
  if (block === true) return 'blocked';
  return refuse === true ? 'refused' : 'stop';
};

const thoughtsOf = ({ thinking, max_tokens }: SandboxCall, { thinking_tokens }: Faults): readonly string[] => {
  const thoughts = thinking_tokens === undefined ? piecesOf(THOUGHT) : counted(thinking_tokens);
  if (thinking === 'none' && thinking_tokens === undefined) return [];
  return max_tokens === null ? thoughts : thoughts.slice(0, max_tokens);
};

const toolCalls = (call: SandboxCall, { tool_calls }: Faults): readonly SandboxToolCall[] => {
  const { tools, tool_choice, user_text } = call;
  if (tools.length === 0 || tool_choice === 'none') return [];
  const fresh = call.tool_result === null;
  let chosen = tools.filter(({ name }) => fresh && user_text.includes(name));
  if (tool_calls !== undefined) {
    chosen = Array.from({ length: fresh ? tool_calls : 0 }, (_, index) => tools[index % tools.length]!);
  } else if (typeof tool_choice === 'object') chosen = tools.filter(({ name }) => name === tool_choice.name);
  else if (tool_choice === 'required' && chosen.length === 0) chosen = tools.slice(0, 1);
  if (!call.parallel_tool_calls) chosen = chosen.slice(0, 1);
  return chosen.map(({ name, schema }) => ({ name, input: inputOf(schema) }));
};

const inputOf = (schema: Json): Json => {
  const input = sampleOf(schema);
  return isJsonObject(input) ? input : {};
};

const wantedOf = (call: SandboxCall, { tokens, refuse, block }: Faults): readonly string[] => {
  if (block === true) return [];
  if (refuse === true) return piecesOf(REFUSAL);
  return tokens === undefined ? piecesOf(textTo(call)) : counted(tokens);
};

const textTo = (call: SandboxCall): string => {
  if (call.schema !== null) return JSON.stringify(sampleOf(call.schema));
  const images = call.images === 0 ? '' : ` (images: ${call.images})`;
  if (call.tool_result !== null) return `The tool said: ${call.tool_result}${images}`;
  return `You wrote: ${withoutDirectives(call.user_text)}${images}`;
};

const piecesOf = (text: string): readonly string[] => {
  const pieces = text.match(/\S+\s*/g) ?? [];
  return text.startsWith('{') || text.startsWith('[') ? pieces : pieces.slice(0, ECHO_MAX_TOKENS);
};

/** `pieces` up to the first stop text. */
const stopped = (
  pieces: readonly string[],
  stop: readonly string[],
): { pieces: readonly string[]; stop_sequence: string | null } => {
  const text = stop.length === 0 ? '' : pieces.join('');
  const found = stop
    .filter((sequence) => sequence !== '' && text.includes(sequence))
    .sort((a, b) => text.indexOf(a) - text.indexOf(b))[0];
  if (found === undefined) return { pieces, stop_sequence: null };
  return { pieces: piecesOf(text.slice(0, text.indexOf(found))), stop_sequence: found };
};

const counted = (tokens: number): readonly string[] =>
  Array.from({ length: tokens }, (_, index) => `${WORDS[index % WORDS.length]!}${index === tokens - 1 ? '' : ' '}`);
