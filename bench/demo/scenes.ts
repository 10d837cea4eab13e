import type { Cast } from './administration.ts';
import { type Client, createClient, type SentCall } from './send.ts';

/** A kind of call with its number of calls and its expected results. */
export interface Scene {
  readonly name: string;
  readonly count: number;
  /** All results that must occur; no other result may. */
  readonly expected: readonly string[];
  readonly send: (number: number) => Promise<SentCall>;
}

const QUESTION = 'Summarise the minutes of the meeting.';
const RECORD = 'Patient Jane Doe, MRN 4471932, jane.doe@example.org, SSN 536-22-8745: summarise the findings.';
const OPENAI_MODELS = ['gpt-4o', 'gpt-4o-mini', 'gpt-4.1', 'gpt-5-mini'];
const CLAUDE_MODELS = ['claude-haiku-4-5', 'claude-sonnet-4-5', 'claude-opus-4-5'];

const of = (list: readonly string[], number: number): string => list[number % list.length]!;
/** A prompt with directives for the sandbox; see src/sandbox/README.md. */
const promptFor = (directives: string, question = QUESTION): string => `${question} [[sandbox: ${directives}]]`;

/** Every kind of successful, refused and failed call. */
export const scenesOf = (url: string, cast: Cast): Scene[] => {
  const client = (key: string | null): Client => createClient(url, key);
  return [...answered(client(cast.acme), client(cast.clinic)), ...failing(client(cast.acme)), ...refused(client, cast)];
};

const answered = (acme: Client, clinic: Client): Scene[] => [
  {
    name: 'chat, OpenAI',
    count: 100,
    expected: ['ok'],
    send: (number) => acme.chat({ model: of(OPENAI_MODELS, number), prompt: promptFor(`tokens=${900 + 10 * number}`) }),
  },
  {
    name: 'chat, Claude through the OpenAI form',
    count: 50,
    expected: ['ok'],
    send: (number) =>
      clinic.chat({ model: of(CLAUDE_MODELS, number), prompt: promptFor(`tokens=${800 + 10 * number}`, RECORD) }),
  },
  {
    name: 'streamed, OpenAI',
    count: 50,
    expected: ['ok'],
    send: (number) => acme.stream({ model: of(OPENAI_MODELS, number), prompt: promptFor(`tokens=${50 + number}`) }),
  },
  {
    name: 'streamed, Claude through the OpenAI form',
    count: 30,
    expected: ['ok'],
    send: (number) => acme.stream({ model: of(CLAUDE_MODELS, number), prompt: promptFor(`tokens=${50 + number}`) }),
  },
  {
    name: 'unified, the gateway picks the model',
    count: 40,
    expected: ['ok'],
    send: (number) => acme.post('/v1/ai/completions', unified('completion', promptFor(`tokens=${100 + number}`))),
  },
  {
    name: 'unified, a rule picks the provider',
    count: 20,
    expected: ['ok'],
    send: () => clinic.post('/v1/ai/completions', unified('medical_analysis', RECORD)),
  },
  {
    name: 'cancelled by the client mid-stream',
    count: 10,
    expected: ['cancelled'],
    send: () => acme.cancel({ model: 'gpt-4o', prompt: promptFor('tokens=400 token_interval_ms=10') }),
  },
];

const unified = (type: string, prompt: string): string =>
  JSON.stringify({ prompt, type, priority: 'standard', max_cost: 0.5 });

const failing = (acme: Client): Scene[] => {
  const chat = (name: string, directives: string, code: string, count = 5): Scene => ({
    name,
    count,
    expected: [code],
    send: () => acme.chat({ model: 'gpt-4o-mini', prompt: promptFor(directives) }),
  });
  return [
    chat('the provider answers 503', 'status=503', 'provider_error'),
    chat('the provider answers 429', 'status=429', 'provider_rate_limited'),
    chat('the provider refuses the request', 'status=400', 'provider_rejected'),
    chat('the provider answers garbage', 'garbage', 'provider_malformed'),
    chat('the provider cuts the connection', 'cut_after=2', 'provider_disconnected'),
    chat('the provider never answers', 'hang', 'provider_timeout', 3),
    {
      name: 'the stream breaks after it began',
      count: 5,
      expected: ['provider_disconnected'],
      send: () => acme.stream({ model: 'gpt-4o', prompt: promptFor('tokens=40 cut_after=20') }),
    },
    {
      name: 'the stream ends with an error',
      count: 5,
      expected: ['provider_error'],
      send: () => acme.stream({ model: 'claude-haiku-4-5', prompt: promptFor('tokens=40 error_after=20') }),
    },
  ];
};

const refused = (client: (key: string | null) => Client, cast: Cast): Scene[] => {
  const chat = (name: string, key: string, code: string): Scene => ({
    name,
    count: 5,
    expected: [code],
    send: () => client(key).chat({ model: 'gpt-4o-mini', prompt: QUESTION }),
  });
  const post = (name: string, key: string | null, body: string, code: string): Scene => ({
    name,
    count: 5,
    expected: [code],
    send: () => client(key).post('/v1/chat/completions', body),
  });
  const body = JSON.stringify({ model: 'gpt-4o-mini', messages: [{ role: 'user', content: QUESTION }] });
  const startup = client(cast.startup);
  const limited = client(cast.limited);
  return [
    {
      name: 'until the budget is spent',
      count: 40,
      expected: ['ok', 'budget_exceeded'],
      send: () => startup.chat({ model: 'gpt-4o', prompt: promptFor('tokens=300'), max_tokens: 400 }),
    },
    {
      name: 'a key that may do five a minute',
      count: 10,
      expected: ['ok', 'rate_limit_exceeded'],
      send: () => limited.chat({ model: 'gpt-4o-mini', prompt: QUESTION }),
    },
    post('no key', null, body, 'missing_api_key'),
    chat('an unknown key', 'sk_unknown', 'invalid_api_key'),
    chat('a revoked key', cast.revoked, 'revoked_api_key'),
    chat('an expired key', cast.expired, 'expired_api_key'),
    post('a body that is not JSON', cast.acme, '{"model":', 'malformed_json'),
    post('a body without messages', cast.acme, '{"model":"gpt-4o"}', 'invalid_request'),
    post('an unknown model', cast.acme, body.replace('gpt-4o-mini', 'gpt-0'), 'model_not_found'),
  ];
};
