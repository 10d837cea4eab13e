import { isJsonObject, type Json, type SandboxCall, type SandboxReply, tokensOf } from './call.ts';
import { withoutDirectives } from './directives.ts';
import { sampleOf } from './sample.ts';

// A reply that repeats a long prompt would measure the prompt, not the gateway.
const ECHO_MAX_TOKENS = 256;
const WORDS = 'one two three four five six seven eight nine ten'.split(' ');

/**
 * What the sandbox says to a call: the same to the same call, in either protocol.
 * Tools are called where the call demands it or the user's text names them; a JSON Schema is filled with sample
 * values; else the reply repeats what the user wrote, or counts to `tokens`.
 */
export const replyTo = (call: SandboxCall, tokens: number | undefined): SandboxReply => {
  const tool_calls = tokens === undefined ? toolCalls(call) : [];
  if (tool_calls.length > 0) {
    const chars = tool_calls.reduce(
      (sum, { name, input }) => sum + name.length + JSON.stringify(input).length,
      0,
    );
    return { pieces: [], tool_calls, finish: 'tool_calls', completion_tokens: tokensOf(chars) };
  }
  const wanted = tokens === undefined ? piecesOf(textTo(call)) : counted(tokens);
  const limit = Math.min(call.max_tokens ?? Number.POSITIVE_INFINITY, wanted.length);
  const pieces = wanted.slice(0, limit);
  const finish = pieces.length < wanted.length ? 'length' : 'stop';
  return { pieces, tool_calls: [], finish, completion_tokens: pieces.length };
};

const toolCalls = (call: SandboxCall): SandboxReply['tool_calls'] => {
  const { tools, tool_choice, user_text } = call;
  if (tools.length === 0 || tool_choice === 'none') return [];
  let chosen = tools.filter(({ name }) => call.tool_result === null && user_text.includes(name));
  if (typeof tool_choice === 'object') chosen = tools.filter(({ name }) => name === tool_choice.name);
  else if (tool_choice === 'required' && chosen.length === 0) chosen = tools.slice(0, 1);
  if (!call.parallel_tool_calls) chosen = chosen.slice(0, 1);
  return chosen.map(({ name, schema }) => ({ name, input: inputOf(schema) }));
};

const inputOf = (schema: Json): Json => {
  const input = sampleOf(schema);
  return isJsonObject(input) ? input : {};
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

const counted = (tokens: number): readonly string[] =>
  Array.from(
    { length: tokens },
    (_, index) => `${WORDS[index % WORDS.length]!}${index === tokens - 1 ? '' : ' '}`,
  );
