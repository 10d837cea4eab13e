import type { JsonObject } from '../chat-form.ts';
import { isObject, malformed } from '../json.ts';
import { textIn } from './response.ts';

/** Translates events of content blocks into deltas of the pivot form. */
interface Blocks {
  start(event: JsonObject): readonly JsonObject[];
  delta(event: JsonObject): readonly JsonObject[];
  stop(event: JsonObject): readonly JsonObject[];
}

interface OpenCall {
  readonly kind: 'call';
  readonly index: number;
  has_arguments: boolean;
}

interface OpenThinking {
  readonly kind: 'thinking';
  thinking: string;
  signature: string;
}

/**
 * Follows the content blocks of one message. Tool calls are numbered in their own order, as in the pivot form. A
 * thinking block is also sent as a whole when it ends, because its signature is valid for the whole block only.
 * @param produced called with each text that the model wrote, of any kind
 */
export const createBlocks = (produced: (text: string) => void): Blocks => {
  const open = new Map<unknown, OpenCall | OpenThinking>();
  let calls = 0;

  const startCall = (block: JsonObject, at: unknown): readonly JsonObject[] => {
    const call: OpenCall = { kind: 'call', index: calls++, has_arguments: false };
    open.set(at, call);
    const name = textIn(block, 'name');
    produced(name);
    return [toolDelta(call.index, { id: textIn(block, 'id'), type: 'function', function: { name, arguments: '' } })];
  };

  const continueCall = (call: OpenCall, partial: string): readonly JsonObject[] => {
    if (partial === '') return [];
    call.has_arguments = true;
    produced(partial);
    return [toolDelta(call.index, { function: { arguments: partial } })];
  };

  const think = (thinking: OpenThinking, text: string): readonly JsonObject[] => {
    if (text === '') return [];
    thinking.thinking += text;
    produced(text);
    return [{ reasoning_content: text }];
  };

  const write = (text: string): readonly JsonObject[] => {
    if (text === '') return [];
    produced(text);
    return [{ content: text }];
  };

  return {
    start: ({ index, content_block: block }) => {
      if (!isObject(block)) throw malformed('content_block_start has no block');
      if (block.type === 'text') return write(textIn(block, 'text'));
      if (block.type === 'tool_use') return startCall(block, index);
      if (block.type === 'redacted_thinking') return [{ thinking_blocks: [block] }];
      if (block.type !== 'thinking') return [];
      const thinking: OpenThinking = { kind: 'thinking', thinking: '', signature: '' };
      open.set(index, thinking);
      return think(thinking, textIn(block, 'thinking'));
    },
    delta: ({ index, delta }) => {
      if (!isObject(delta)) throw malformed('content_block_delta has no delta');
      const block = open.get(index);
      if (delta.type === 'text_delta') return write(textIn(delta, 'text'));
      if (delta.type === 'input_json_delta' && block?.kind === 'call') {
        return continueCall(block, textIn(delta, 'partial_json'));
      }
      if (delta.type === 'thinking_delta' && block?.kind === 'thinking') {
        return think(block, textIn(delta, 'thinking'));
      }
      if (delta.type === 'signature_delta' && block?.kind === 'thinking') {
        block.signature += textIn(delta, 'signature');
      }
      return [];
    },
    stop: ({ index }) => {
      const block = open.get(index);
      open.delete(index);
      if (block === undefined) return [];
      if (block.kind === 'call') {
        return block.has_arguments ? [] : [toolDelta(block.index, { function: { arguments: '{}' } })];
      }
      const { thinking, signature } = block;
      return [{ thinking_blocks: [{ type: 'thinking', thinking, signature }] }];
    },
  };
};

const toolDelta = (index: number, call: JsonObject): JsonObject => ({ tool_calls: [{ index, ...call }] });
