import type { Json, SandboxCall } from './call.ts';
import type { ChatForm, Endpoint, Protocol, Target } from './protocol.ts';
import { respondTo } from './response.ts';

/** An endpoint for conversations. */
export const chatEndpoint = (form: ChatForm): Endpoint => ({
  protocol: form.protocol,
  read: (body, target) => {
    const call = form.parse(body, target);
    return {
      user_text: call.user_text,
      stream: call.stream ? streamOf(form, call) : null,
      write: (seed, faults) => {
        const response = respondTo(call, faults);
        return call.stream ? form.frames(call, response, seed) : [JSON.stringify(form.whole(call, response, seed))];
      },
    };
  },
});

const streamOf = (form: ChatForm, call: SandboxCall) => ({
  sse: call.sse,
  errorFrame: (sent: number) => form.errorFrame(call, sent),
  wrongFrame: () => form.wrongFrame(call),
});

/** The response of an endpoint without a conversation, and the text with its directives. */
interface JsonResponse {
  readonly user_text: string;
  readonly json: Json;
}

/** An endpoint that answers one JSON object. */
export const jsonEndpoint = (protocol: Protocol, make: (body: Json, target: Target) => JsonResponse): Endpoint => ({
  protocol,
  read: (body, target) => {
    const { user_text, json } = make(body, target);
    return { user_text, stream: null, write: () => [JSON.stringify(json)] };
  },
});
