import type { JsonObject } from '../../../../../providers/chat-form.ts';
import { isObject, malformed } from '../../../../../providers/json.ts';
import { createItemList, type Frame } from './item-list.ts';
import { type OpenCall, type OpenMessage, type OpenThought, openCall, openMessage, openThought } from './open-items.ts';
import type { ItemStatus } from './write-items.ts';

/** Writes the items of a streamed response. Each method returns the events to send, possibly ''. */
interface ItemWriter {
  /** Sets the base of all ids. Call it first. */
  name(base: string): void;
  writeThinking(delta: string): string;
  /** Writes a signed thinking block unchanged. */
  writeSigned(block: JsonObject): string;
  writeText(delta: string, logprobs: readonly unknown[]): string;
  /** Writes citations of the last text. */
  annotate(annotations: readonly JsonObject[]): string;
  refuse(delta: string): string;
  /**
   * Writes a piece of a tool call.
   * @throws OneVaultError provider_malformed
   */
  call(delta: JsonObject): string;
  /**
   * Closes all open items.
   * @param status of the last item
   */
  close(status: ItemStatus): string;
  /** Items; complete once all are closed. */
  readonly output: readonly JsonObject[];
}

/**
 * Thoughts and messages are open one at a time, as in OpenAI's streams. Calls stay open to the end: a provider may
 * interleave several, and never reports the end of one.
 */
export const createItemWriter = (frame: Frame): ItemWriter => {
  const items = createItemList(frame);
  const calls = new Map<number, OpenCall>();
  let open: OpenThought | OpenMessage | null = null;

  const close = (status: ItemStatus = 'completed', blocks: readonly JsonObject[] = []): string => {
    const closed = open;
    open = null;
    if (closed === null) return '';
    return closed.kind === 'thought' ? closed.close(blocks) : closed.close(status);
  };
  const inThought = (write: (thought: OpenThought) => string): string => {
    if (open?.kind === 'thought') return write(open);
    const closed = close();
    const thought = openThought(items, frame);
    open = thought;
    return closed + thought.begun + write(thought);
  };
  const inMessage = (write: (message: OpenMessage) => string): string => {
    if (open?.kind === 'message') return write(open);
    const closed = close();
    const message = openMessage(items, frame);
    open = message;
    return closed + message.begun + write(message);
  };
  const inCall = (given: JsonObject, write: (call: OpenCall) => string): string => {
    const number = numberOf(given, calls.size);
    const known = calls.get(number);
    if (known !== undefined) return write(known);
    const called = calledOf(given);
    const closed = close();
    const call = openCall(items, frame, called);
    calls.set(number, call);
    return closed + call.begun + write(call);
  };

  return {
    name: items.name,
    writeThinking: (delta) => (delta === '' ? '' : inThought((thought) => thought.writeThinking(delta))),
    writeSigned: (block) => inThought(() => '') + close('completed', [block]),
    writeText: (delta, logprobs) => (delta === '' ? '' : inMessage((message) => message.writeText(delta, logprobs))),
    annotate: (annotations) => annotations.map((each) => inMessage((message) => message.annotate(each))).join(''),
    refuse: (delta) => (delta === '' ? '' : inMessage((message) => message.refuse(delta))),
    call: (given) => {
      const delta = isObject(given.function) ? given.function.arguments : undefined;
      return inCall(given, (call) => (typeof delta === 'string' ? call.add(delta) : ''));
    },
    close: (status) => {
      // An empty response is an empty message.
      let text = items.output.every(({ type }) => type === 'reasoning') ? inMessage(() => '') : '';
      const left = [...calls.values(), ...(open === null ? [] : [open])];
      for (const item of left.toSorted((a, b) => a.index - b.index)) {
        const item_status = item.index === items.output.length - 1 ? status : 'completed';
        text += item.kind === 'call' ? item.close(item_status) : close(item_status);
      }
      return text;
    },
    output: items.output,
  };
};

/** Index of a call. If the provider sends none, an id begins the next call. */
const numberOf = ({ index, id }: JsonObject, begun: number): number => {
  if (typeof index === 'number') return index;
  return typeof id === 'string' ? begun : begun - 1;
};

const calledOf = ({ id, function: called }: JsonObject): { call_id: string; name: string } => {
  const name = isObject(called) ? called.name : undefined;
  if (typeof id !== 'string' || typeof name !== 'string') throw malformed('a tool call has no id or no name');
  return { call_id: id, name };
};
