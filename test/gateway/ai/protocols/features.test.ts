import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { bodyText } from '../../../../src/core/body.ts';
import { OneVaultError } from '../../../../src/core/errors.ts';
import type { ClientProtocol } from '../../../../src/gateway/ai/client-protocol.ts';
import { passThrough } from '../../../../src/gateway/ai/passthrough.ts';
import { createClientProtocols } from '../../../../src/gateway/ai/protocols/client-protocols.ts';
import { boundaryOf, parseForm } from '../../../../src/http/multipart.ts';
import { createCompatibleAdapters } from '../../../../src/providers/adapters.ts';
import type { ProviderAdapter } from '../../../../src/providers/contract.ts';
import { createUnsupportedFields } from '../../../../src/providers/unsupported-fields.ts';
import { adapters, CLOCK, upstreamAt } from '../../../providers/support.ts';
import { FILE, FORM_TYPE, formOf } from '../../../support/audio.ts';
import { PLAIN, type RequestByProtocol } from './features-fixture.ts';
import { FEATURES } from './parameters-fixture.ts';

const PAGE = new URL('../../../../src/gateway/ai/protocols/README.md', import.meta.url);

const CLIENTS: readonly (readonly [column: keyof RequestByProtocol, endpoint: string, title: string])[] = [
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
  /** Body for the provider; null if the call is refused whatever the client allows. */
  readonly body: string | null;
  readonly is_incomplete: boolean;
}

/** Body that a provider would get for a request. */
const sentTo = (protocol: ClientProtocol, adapter: ProviderAdapter, request: object): Sent => {
  const text = JSON.stringify(request);
  const parsed = protocol.read(request, { params: { model: 'm' }, query: {}, headers: {} });
  const upstream = upstreamAt('https://provider.example', 'openai');
  const target = { model: 'm', stream: false, upstream, max_output_tokens: 1_000 };
  const unsupported = createUnsupportedFields(true);
  const passthrough = protocol.protocol_name === null ? undefined : adapter.passthroughs[protocol.protocol_name];
  try {
    const exchange =
      passthrough === undefined
        ? parsed.operation.translate(adapter, target, unsupported)
        : passThrough(passthrough, { parsed, content: text, headers: {}, target, unsupported });
    return { body: bodyText(exchange!.request.body), is_incomplete: unsupported.paths.length > 0 };
  } catch (error) {
    assert.ok(error instanceof OneVaultError && error.code !== 'internal_error', String(error));
    return { body: null, is_incomplete: true };
  }
};

const cell = (
  protocol: ClientProtocol,
  adapter: ProviderAdapter,
  { request, without, is_enforced }: { request: object; without: object; is_enforced: boolean },
): string => {
  const passes = protocol.protocol_name !== null && adapter.passthroughs[protocol.protocol_name] !== undefined;
  const sent = sentTo(protocol, adapter, request);
  if (sent.is_incomplete) return 'no';
  if (sent.body === sentTo(protocol, adapter, without).body) return is_enforced ? 'enforced' : 'dropped';
  return passes && sent.body === JSON.stringify(request) ? 'unchanged' : 'yes';
};

const tableOf = (
  columns: readonly (readonly [name: string, adapter: ProviderAdapter])[],
  client: keyof RequestByProtocol,
  protocol: ClientProtocol,
): string => {
  const rows = FEATURES.flatMap(({ name, request, without, is_enforced = false }) => {
    const body = request[client];
    if (body === undefined) return [];
    const feature = { request: body, without: without?.[client] ?? PLAIN[client], is_enforced };
    const cells = columns.map(([, adapter]) => cell(protocol, adapter, feature));
    return [`| ${[name, ...cells].join(' | ')} |`];
  });
  const head = ['', ...columns.map(([name]) => name)];
  return [`| ${head.join(' | ')} |`, `|${head.map(() => '---|').join('')}`, ...rows].join('\n');
};

/** The page, generated from the code. */
const page = (): string => {
  const parts = CLIENTS.map(([client, endpoint, title]) => {
    const table = tableOf(Object.entries(adapters), client, protocolOf(endpoint));
    return `## ${title}\n\n\`POST ${endpoint}\` to a provider with the protocol of\n\n${table}`;
  });
  const family = Object.entries(createCompatibleAdapters(CLOCK));
  const table = tableOf(family, 'chat', protocolOf('/v1/chat/completions'));
  return [INTRODUCTION, ...parts, `${FAMILY}\n\n${table}`, `${AUDIO}\n\n${audioTable()}\n`].join('\n\n');
};

const AUDIO = `## Audio

Bodies of audio pass through unchanged, but for the provider's name of the model. They are not translated: a provider without the endpoint is not asked.`;

const AUDIO_ENDPOINTS = ['/v1/audio/speech', '/v1/audio/transcriptions'] as const;

const audioTable = (): string => {
  const names = AUDIO_ENDPOINTS.map((endpoint) => [endpoint, protocolOf(endpoint).protocol_name!] as const);
  const all = Object.entries({ ...adapters, ...createCompatibleAdapters(CLOCK) });
  const rows = all.map(([provider, adapter]) => {
    const cells = names.map(([, name]) => (adapter.passthroughs[name] === undefined ? 'no' : 'unchanged'));
    return `| ${[provider, ...cells].join(' | ')} |`;
  });
  return [
    `| provider | ${AUDIO_ENDPOINTS.map((each) => `\`POST ${each}\``).join(' | ')} |`,
    '|---|---|---|',
    ...rows,
  ].join('\n');
};

const INTRODUCTION = `# Translation table

Support of each request feature, for each pair of client protocol and provider protocol. A test generates this page from the code: it sends each feature through each pair.

- **unchanged**: client and provider have the same protocol, and the bytes pass through
- **yes**: translated to the provider's protocol
- **enforced**: the provider has no such setting, and the gateway enforces it in the response
- **dropped**: left out without an error: a hint, a label, a text that only its author can read, or a filter setting that the provider does not have
- **no**: refused with 400 \`unsupported_feature\`, which names the field. With \`x-onevault-unsupported-fields: allow\`, the field is left out and listed in the response header of that name. A field without a clear meaning is refused in either case

If the model does not support a feature (an image for a text model), the provider refuses it, and the client gets the provider's error text.`;

const FAMILY = `## Compatible providers

\`POST /v1/chat/completions\` to the providers with a compatibility profile of OpenAI's protocol in \`src/providers/compatible-providers.json\`. Requests of other protocols are translated with the same profile.`;

describe('the translation table', () => {
  it('matches the code in every cell', () => {
    const made = page();
    if (process.env.WRITE_DOCS === '1') writeFileSync(PAGE, made);
    assert.equal(readFileSync(PAGE, 'utf8'), made, 'write it again: WRITE_DOCS=1 npm test');
  });

  it('reports audio as unchanged only if its bytes pass through unchanged', async () => {
    const form = formOf([FILE, { name: 'model', content: 'm' }]);
    for (const adapter of [adapters.openai, ...Object.values(createCompatibleAdapters(CLOCK))]) {
      const upstream = upstreamAt('https://provider.example', 'openai');
      const target = { model: 'm', stream: false, upstream };
      for (const [endpoint, content, value] of [
        ['/v1/audio/speech', '{"model":"m", "input":"Hi"}', { model: 'm', input: 'Hi' }],
        ['/v1/audio/transcriptions', form, await parseForm(form, boundaryOf(FORM_TYPE))],
      ] as const) {
        const protocol = protocolOf(endpoint);
        const passthrough = adapter.passthroughs[protocol.protocol_name!];
        const parsed = protocol.read(value, { params: {}, query: {}, headers: {} });
        assert.equal(parsed.operation.isServedBy(adapter), passthrough !== undefined);
        if (passthrough === undefined) continue;
        const headers = { 'content-type': FORM_TYPE };
        const unsupported = createUnsupportedFields(false);
        const exchange = passThrough(passthrough, { parsed, content, headers, target, unsupported });
        assert.equal(exchange.request.body, content);
      }
    }
  });

  it('reports a plain text request as supported by every provider', () => {
    for (const [client, endpoint] of CLIENTS) {
      for (const adapter of [...Object.values(adapters), ...Object.values(createCompatibleAdapters(CLOCK))]) {
        const { is_incomplete, body } = sentTo(protocolOf(endpoint), adapter, PLAIN[client]);
        assert.equal(is_incomplete, false);
        assert.ok(body!.includes('"Hi"'));
      }
    }
  });

  it("refuses an unsupported feature with a path of the client's request, unless the client allows its omission", () => {
    for (const [client, endpoint] of CLIENTS) {
      const protocol = protocolOf(endpoint);
      for (const { request } of FEATURES) {
        const body = request[client];
        if (body === undefined) continue;
        for (const adapter of Object.values(adapters)) {
          if (protocol.protocol_name !== null && adapter.passthroughs[protocol.protocol_name] !== undefined) continue;
          if (!sentTo(protocol, adapter, body).is_incomplete) continue;
          const parsed = protocol.read(body, { params: { model: 'm' }, query: {}, headers: {} });
          const target = { model: 'm', stream: false, upstream: upstreamAt('https://a.example', 'openai') };
          assert.throws(
            () => parsed.operation.translate(adapter, target, createUnsupportedFields(false)),
            (error) => {
              assert.ok(error instanceof OneVaultError);
              assert.ok(error.status === 400 && error.param !== null && error.param !== undefined);
              const [root] = error.param.split(/[.[]/);
              return Object.hasOwn(body, root!);
            },
          );
        }
      }
    }
  });
});
