import assert from 'node:assert/strict';
import { bodyText } from '../../src/core/body.ts';
import type { ChatRequest } from '../../src/providers/chat-form.ts';
import {
  atSourcePath,
  createUnsupportedFields,
  type UnsupportedFields,
} from '../../src/providers/unsupported-fields.ts';
import { adapters, upstreamAt } from './support.ts';

const upstream = upstreamAt('https://api.example.com', 'anthropic');

const translate = (fields: object, unsupported: UnsupportedFields): Record<string, unknown> => {
  const chat = { model: 'alias', ...fields } as ChatRequest;
  const target = { model: 'claude', stream: false, upstream };
  return JSON.parse(bodyText(adapters.anthropic.chat.request(chat, target, unsupported).body));
};

describe('a field that a provider does not support', () => {
  it('is left out and reported if the client allows that', () => {
    const lenient = (fields: object): readonly [Record<string, unknown>, readonly string[]] => {
      const unsupported = createUnsupportedFields(true);
      return [translate(fields, unsupported), unsupported.paths];
    };
    const [body, paths] = lenient({
      n: 2,
      seed: 7,
      temperature: 1.5,
      top_p: 0.5,
      some_new_field: 1,
      response_format: { type: 'json_object' },
      tools: [{ type: 'custom' }],
      tool_choice: 'required',
      messages: [
        { role: 'user', content: [{ type: 'input_audio' }] },
        { role: 'user', content: [{ type: 'text', text: 'Hi' }, { type: 'input_audio' }] },
        { role: 'function', content: 'x' },
      ],
    });
    assert.deepEqual(paths.toSorted(), [
      'messages[0].content[0].type',
      'messages[1].content[1].type',
      'messages[2].role',
      'n',
      'response_format',
      'seed',
      'some_new_field',
      'temperature',
      'tools[0].type',
    ]);
    assert.deepEqual(body, {
      model: 'claude',
      max_tokens: 4_096,
      top_p: 0.5,
      messages: [{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }],
    });
  });

  it("is reported with its path in the client's request", () => {
    const unsupported = atSourcePath(createUnsupportedFields(false), (param) => `mine.${param}`);
    assert.throws(() => translate({ messages: [], n: 2 }, unsupported), {
      code: 'unsupported_feature',
      param: 'mine.n',
    });
  });
});
