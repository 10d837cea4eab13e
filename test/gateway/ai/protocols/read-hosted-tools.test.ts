import assert from 'node:assert/strict';
import fc from 'fast-check';
import { maxUses, readLimit, withTools } from '../../../../src/gateway/ai/hosted-tools.ts';
import { messagesTools } from '../../../../src/gateway/ai/protocols/anthropic/read-hosted-tools.ts';
import { generateContentTools } from '../../../../src/gateway/ai/protocols/google/read-hosted-tools.ts';
import { chatTools, responsesTools } from '../../../../src/gateway/ai/protocols/openai/read-hosted-tools.ts';
import type { Usage } from '../../../../src/pricing/usage.ts';

const CHAT = { model: 'm', messages: [] };
const NOTHING: Usage = {
  prompt_tokens: 0,
  completion_tokens: 0,
  total_tokens: 0,
  cached_tokens: 0,
  cache_write_tokens: 0,
  reasoning_tokens: 0,
  prompt_audio_tokens: 0,
  completion_audio_tokens: 0,
};
const json = fc.jsonValue({ maxDepth: 2 });
const tool = fc.record(
  { type: fc.oneof(fc.constantFrom('web_search', '__proto__', 'constructor'), fc.string()), max_uses: json },
  { requiredKeys: [] },
);

describe('the reader of hosted tools', () => {
  it("finds the hosted tools of each protocol, with the client's path of each", () => {
    const units = (tools: readonly { param: string; unit: string | null }[]) =>
      tools.map(({ param, unit }) => [param, unit]);
    assert.deepEqual(
      units(
        responsesTools({
          model: 'm',
          max_tool_calls: 3,
          tools: [
            { type: 'function', name: 'f' },
            { type: 'web_search_preview_2025_03_11' },
            { type: 'file_search' },
            { type: 'code_interpreter' },
            { type: 'shell', environment: { type: 'container_auto' } },
            { type: 'shell', environment: { type: 'local' } },
            { type: 'web_searches' },
          ],
        }),
      ),
      [
        ['tools[1].type', 'web_search'],
        ['tools[2].type', 'file_search'],
        ['tools[3].type', 'code_session'],
        ['tools[4].type', 'code_session'],
        ['tools[6].type', null],
      ],
    );
    assert.deepEqual(
      units(
        messagesTools({
          ...CHAT,
          tools: [
            { name: 'f', input_schema: {} },
            { type: 'web_search_20260209', name: 'web_search' },
            { type: 'advisor_20260301', name: 'advisor' },
          ],
        }),
      ),
      [
        ['tools[1].type', 'web_search'],
        ['tools[2].type', null],
      ],
    );
    const google = {
      contents: [],
      tools: [{ functionDeclarations: [], googleSearch: {} }, { googleMaps: {} }],
    };
    assert.deepEqual(units(generateContentTools(google)), [
      ['tools[0].googleSearch', 'web_search'],
      ['tools[1].googleMaps', 'maps_search'],
    ]);
    assert.deepEqual(units(chatTools({ ...CHAT, web_search_options: null })), []);
  });

  it('bounds the uses and the recorded names of hosted tools, whatever a client sends', () => {
    fc.assert(
      fc.property(fc.array(tool, { maxLength: 5 }), json, fc.nat(1_000_000), (tools, max_tool_calls, tokens) => {
        const found = [
          ...messagesTools({ ...CHAT, tools }),
          ...responsesTools({ model: 'm', tools, max_tool_calls: max_tool_calls }),
          ...chatTools({ ...CHAT, tools, web_search_options: {} }),
        ];
        for (const uses of Object.values(maxUses(found, tokens))) {
          assert.ok(Number.isSafeInteger(uses) && uses >= 0 && uses <= found.length * (tokens + 1));
        }
        for (const name of Object.keys(withTools(NOTHING, found).tool_uses ?? {})) {
          assert.match(name, /^[a-z][\w.-]{0,63}$/i);
        }
        assert.equal(withTools(NOTHING, found).tool_uses?.web_search, 1);
        const limit = readLimit(max_tool_calls);
        assert.ok(limit === null || limit === max_tool_calls);
      }),
    );
  });
});
