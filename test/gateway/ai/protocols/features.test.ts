import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { bodyText } from '../../../../src/core/body.ts';
import { OneVaultError } from '../../../../src/core/errors.ts';
import type { ClientProtocol } from '../../../../src/gateway/ai/client-protocol.ts';
import { passThrough } from '../../../../src/gateway/ai/passthrough.ts';
import { createClientProtocols } from '../../../../src/gateway/ai/protocols/client-protocols.ts';
import { createCompatibleAdapters } from '../../../../src/providers/adapters.ts';
import type { ProviderAdapter } from '../../../../src/providers/contract.ts';
import { createUnsupportedFields } from '../../../../src/providers/unsupported-fields.ts';
import { adapters, CLOCK, upstreamAt } from '../../../providers/support.ts';
import { type Asked, PLAIN } from './features-fixture.ts';
import { FEATURES } from './parameters-fixture.ts';

const PAGE = new URL('../../../../src/gateway/ai/protocols/README.md', import.meta.url);

const CLIENTS: readonly (readonly [column: keyof Asked, endpoint: string, title: string])[] = [
  ['chat', '/v1/chat/completions', "OpenAI's chat completions"],
  ['responses', '/v1/responses', "OpenAI's responses"],
  ['messages', '/v1/messages', "Anthropic's messages"],
  ['generate', '/v1beta/models/{model}:generateContent', "Google's generateContent"],
];

const protocols = createClientProtocols();
const protocolOf = (endpoint: string): ClientProtocol => {
  const protocol = protocols.find((each) => each.endpoint === endpoint);
  assert.ok(protocol !== undefined, endpoint);
  return protocol;
};

interface Sent {
  /** What the provider gets; null where the call is refused whatever the client allows. */
  readonly body: string | null;
  readonly is_incomplete: boolean;
}

/** What a provider would get of a request. */
const sentTo = (protocol: ClientProtocol, adapter: ProviderAdapter, asked: object): Sent => {
  const text = JSON.stringify(asked);
  const parsed = protocol.read(asked, { params: { model: 'm' }, query: {}, headers: {} });
  const upstream = upstreamAt('https://provider.example', 'openai');
  const target = { model: 'm', stream: false, upstream, max_output_tokens: 1_000 };
  const unsupported = createUnsupportedFields(true);
  const passage = protocol.protocol_name === null ? undefined : adapter.passthroughs[protocol.protocol_name];
  try {
    const dialogue =
      passage === undefined
        ? parsed.operation.translate(adapter, target, unsupported)
        : passThrough(passage, { parsed, content: text, headers: {}, target, unsupported });
    return { body: bodyText(dialogue!.request.body), is_incomplete: unsupported.lost.length > 0 };
  } catch (error) {
    assert.ok(error instanceof OneVaultError && error.code !== 'internal_error', String(error));
    return { body: null, is_incomplete: true };
  }
};

const cell = (
  protocol: ClientProtocol,
  adapter: ProviderAdapter,
  { asked, without, is_kept }: { asked: object; without: object; is_kept: boolean },
): string => {
  const passes = protocol.protocol_name !== null && adapter.passthroughs[protocol.protocol_name] !== undefined;
  const sent = sentTo(protocol, adapter, asked);
  if (sent.is_incomplete) return 'no';
  if (sent.body === sentTo(protocol, adapter, without).body) return is_kept ? 'kept' : 'dropped';
  return passes && sent.body === JSON.stringify(asked) ? 'as it is' : 'yes';
};

const tableOf = (
  columns: readonly (readonly [name: string, adapter: ProviderAdapter])[],
  client: keyof Asked,
  protocol: ClientProtocol,
): string => {
  const rows = FEATURES.flatMap(({ name, asked, without, is_kept = false }) => {
    const given = asked[client];
    if (given === undefined) return [];
    const feature = { asked: given, without: without?.[client] ?? PLAIN[client], is_kept };
    const cells = columns.map(([, adapter]) => cell(protocol, adapter, feature));
    return [`| ${[name, ...cells].join(' | ')} |`];
  });
  const head = ['', ...columns.map(([name]) => name)];
  return [`| ${head.join(' | ')} |`, `|${head.map(() => '---|').join('')}`, ...rows].join('\n');
};

/** The page as the code makes it. */
const page = (): string => {
  const parts = CLIENTS.map(([client, endpoint, title]) => {
    const table = tableOf(Object.entries(adapters), client, protocolOf(endpoint));
    return `## ${title}\n\n\`POST ${endpoint}\` to a provider that speaks the protocol of\n\n${table}`;
  });
  const family = Object.entries(createCompatibleAdapters(CLOCK));
  const table = tableOf(family, 'chat', protocolOf('/v1/chat/completions'));
  return [INTRODUCTION, ...parts, `${FAMILY}\n\n${table}\n`].join('\n\n');
};

const INTRODUCTION = `# What translates

Feature by feature, what becomes of a request on its way from a client's protocol to a provider's. A test makes this page from the code, sends each feature through each pair and compares.

- **as it is**: client and provider speak the same protocol, and the bytes pass
- **yes**: said in the provider's words
- **kept**: the provider cannot be told, and the reply is held to it on its way to the client
- **dropped**: left out in silence: a hint, a label, what nobody but its writer could read, or a setting of a filter that the provider does not have
- **no**: refused with 400 \`unsupported_feature\`, which names the field; with \`x-onevault-unsupported-fields: allow\` left out and listed in the reply's header of that name. What could only be guessed at is refused either way

What the model cannot do (a picture for a model that reads text) its provider refuses in its own words, which the client gets.`;

const FAMILY = `## The compatible family

\`POST /v1/chat/completions\` to the providers that speak OpenAI's protocol in a dialect of their own, as \`src/providers/compatible-providers.json\` has them. Other protocols reach them through the same dialect.`;

describe('the table of what translates', () => {
  it('is what the code does, cell by cell', () => {
    const made = page();
    if (process.env.WRITE_DOCS === '1') writeFileSync(PAGE, made);
    assert.equal(readFileSync(PAGE, 'utf8'), made, 'make it anew: WRITE_DOCS=1 npm test');
  });

  it('never lets a feature of the plainest kind be lost', () => {
    for (const [client, endpoint] of CLIENTS) {
      for (const adapter of [...Object.values(adapters), ...Object.values(createCompatibleAdapters(CLOCK))]) {
        const { is_incomplete, body } = sentTo(protocolOf(endpoint), adapter, PLAIN[client]);
        assert.equal(is_incomplete, false);
        assert.ok(body!.includes('"Hi"'));
      }
    }
  });

  it('refuses a lost feature where the client has not allowed it, and names a field of its own', () => {
    for (const [client, endpoint] of CLIENTS) {
      const protocol = protocolOf(endpoint);
      for (const { asked } of FEATURES) {
        const given = asked[client];
        if (given === undefined) continue;
        for (const adapter of Object.values(adapters)) {
          if (protocol.protocol_name !== null && adapter.passthroughs[protocol.protocol_name] !== undefined) continue;
          if (!sentTo(protocol, adapter, given).is_incomplete) continue;
          const parsed = protocol.read(given, { params: { model: 'm' }, query: {}, headers: {} });
          const target = { model: 'm', stream: false, upstream: upstreamAt('https://a.example', 'openai') };
          assert.throws(
            () => parsed.operation.translate(adapter, target, createUnsupportedFields(false)),
            (error) => {
              assert.ok(error instanceof OneVaultError);
              assert.ok(error.status === 400 && error.param !== null && error.param !== undefined);
              const [root] = error.param.split(/[.[]/);
              return Object.hasOwn(given, root!);
            },
          );
        }
      }
    }
  });
});
