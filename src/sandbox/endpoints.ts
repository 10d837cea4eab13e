import type { Json, SandboxCall } from './call.ts';
import type { ChatForm, Endpoint, Protocol, Target } from './protocol.ts';
import { replyTo } from './response.ts';

/** An endpoint for conversations. */
export const chatEndpoint = (form: ChatForm): Endpoint => ({
  protocol: form.protocol,
  read: (body, target) => {
    const call = form.parse(body, target);
    return {
      user_text: call.user_text,
      stream: call.stream ? streamOf(form, call) : null,
      write: (seed, faults) => {
        const reply = replyTo(call, faults);
        return call.stream ? form.frames(call, reply, seed) : [JSON.stringify(form.whole(call, reply, seed))];
      },
    };
  },
});

const streamOf = (form: ChatForm, call: SandboxCall) => ({
  sse: call.sse,
  errorFrame: (sent: number) => form.errorFrame(call, sent),
  wrongFrame: () => form.wrongFrame(call),
});

/** What an endpoint without a conversation answers, and the text in which its directives stand. */
interface JsonAnswer {
  readonly user_text: string;
  readonly json: Json;
}

/** An endpoint that answers one JSON object. */
export const jsonEndpoint = (protocol: Protocol, make: (body: Json, target: Target) => JsonAnswer): Endpoint => ({
  protocol,
  read: (body, target) => {
    const { user_text, json } = make(body, target);
    return { user_text, stream: null, write: () => [JSON.stringify(json)] };
  },
});
