import { ERRORS } from '../../core/errors.ts';
import { code, pageHead, table } from './markdown.ts';

const INTRO = `Every error of a call has the body
\`{ "error": { "code", "message", "details", "status", "request_id", "timestamp", "type", "param" } }\`.
Errors of Anthropic's and Google's endpoints have the form of their protocol; at Google's, a \`google.rpc.Status\`
whose first detail has the code in capitals as its \`reason\`. \`Retry-After\` says how long to wait where waiting helps.

In the control plane \`code\` is the general word (\`validation_error\`, \`conflict\`, …) and the code of this table stands in
\`details.reason\`: [administer over HTTP](../guides/administer-over-http.md#conventions).`;

/** docs/reference/errors.md */
export const errorsPage = (): string => {
  const rows = Object.entries(ERRORS).map(([name, { status, type, message }]) => [
    code(name),
    String(status),
    code(type),
    message,
  ]);
  return `${pageHead('src/core/errors.ts', 'Errors', INTRO)}\n${table(['code', 'status', 'type', 'message'], rows)}`;
};
