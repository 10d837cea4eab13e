import { type BenchOption, type Figures, progress } from './support/bench.ts';
import { readConditions } from './support/conditions.ts';
import type { HttpCall } from './support/http-call.ts';
import { type OpenLoopFigures, runOpenLoop } from './support/open-loop.ts';
import { rounded } from './support/percentile.ts';
import { type RunningProduct, spawnProduct } from './support/product.ts';
import { startProgram } from './support/program.ts';

export const description = 'delay of small calls beside one client that sends requests made to cost time';

export const options = {
  seconds: {
    default: 10,
    min: 2,
    max: 600,
    meaning: 'how long the small calls are measured beside each kind of request',
  },
  rate: { default: 50, min: 1, max: 5_000, meaning: 'small calls/s' },
  megabytes: { default: 30, min: 1, max: 31, meaning: 'size of a costly request' },
} as const satisfies Record<string, BenchOption>;

type Options = Readonly<Record<keyof typeof options, number>>;

const UPSTREAM_KEY = 'sandbox';
const CONNECTIONS = 16;
const MODEL = 'gpt-4o-mini';

const chatOf = (content: string): string =>
  `{"model":"${MODEL}","max_tokens":5,"messages":[{"role":"user","content":${content}}]}`;

/** Costly requests by name. Each is made from a piece that is repeated up to the size. */
const HOSTILE: Readonly<Record<string, (bytes: number) => string>> = {
  ibans: (bytes) => chatOf(`"${'DE11 '.repeat(bytes / 5)}"`),
  digits: (bytes) => chatOf(`"${'1 '.repeat(bytes / 2)}"`),
  escapes: (bytes) => chatOf(`"${'\\"'.repeat(bytes / 2)}"`),
  image: (bytes) => chatOf(`[{"type":"image_url","image_url":{"url":"data:image/png;base64,${'A'.repeat(bytes)}"}}]`),
  spaces: (bytes) => chatOf(`"Hi"${' '.repeat(bytes)}`),
  objects: (bytes) => chatOf(`[${'{},'.repeat(bytes / 3)}{}]`),
  depth: (bytes) => chatOf(`${'['.repeat(bytes)}`),
};

/**
 * Measures small calls at a fixed rate: alone, then beside a client that sends one costly request after another.
 * Complete if every small call was answered.
 */
export const run = async (given: Readonly<Record<string, number>>): Promise<Figures> => {
  // A provider of its own for the small calls, because the costly requests hold up theirs.
  const [costly, plain] = [startSandbox(), startSandbox()];
  try {
    const [{ url: costly_url }, { url: plain_url }] = [await costly.request({}), await plain.request({})];
    progress('starting the product on a temporary data directory');
    const product = await spawnProduct({
      OPENAI_BASE_URL: `${costly_url}/v1`,
      OPENAI_API_KEY: UPSTREAM_KEY,
      ANTHROPIC_BASE_URL: plain_url,
      ANTHROPIC_API_KEY: UPSTREAM_KEY,
    });
    try {
      return await measure(given as Options, product);
    } finally {
      await product.stop();
    }
  } finally {
    await Promise.all([costly.stop(), plain.stop()]);
  }
};

const startSandbox = () =>
  startProgram<object, { url: string }>(new URL('support/sandbox-program.ts', import.meta.url));

const measure = async ({ seconds, rate, megabytes }: Options, product: RunningProduct): Promise<Figures> => {
  const small: HttpCall = {
    url: `${product.url}/v1/messages`,
    authorization: `Bearer ${product.api_key}`,
    body: '{"model":"claude-haiku-4-5","max_tokens":5,"messages":[{"role":"user","content":"Hi"}]}',
  };
  const load = { ...small, calls_per_s: rate, seconds, connections: CONNECTIONS };
  progress('warm-up');
  await runOpenLoop(load);
  const alone = await runOpenLoop(load);
  progress(`alone: p50 ${alone.p50_ms} ms, p99 ${alone.p99_ms} ms`);
  const beside: Record<string, object> = {};
  let failed = alone.failed;
  for (const [name, makeBody] of Object.entries(HOSTILE)) {
    const hostile = startHostile({
      ...small,
      url: `${product.url}/v1/chat/completions`,
      body: makeBody(megabytes * 1e6),
    });
    const figures = await runOpenLoop(load);
    const requests = await hostile.stop();
    failed += figures.failed;
    beside[name] = { ...figuresOf(figures), added_p99_ms: rounded(figures.p99_ms - alone.p99_ms), requests };
    progress(`${name}: p50 ${figures.p50_ms} ms, p99 ${figures.p99_ms} ms, ${requests} costly requests`);
  }
  return {
    is_complete: failed === 0,
    conditions: { ...(await readConditions(product.database_url)), rate, seconds, megabytes },
    alone: figuresOf(alone),
    beside,
  };
};

const figuresOf = ({ p50_ms, p99_ms, failed }: OpenLoopFigures) => ({ p50_ms, p99_ms, failed });

/** Sends one request after another. `stop` returns the number of those that were answered. */
const startHostile = ({ url, authorization, body }: HttpCall): { stop(): Promise<number> } => {
  const end = new AbortController();
  let answered = 0;
  const bytes = Buffer.from(body);
  const sent = (async () => {
    while (!end.signal.aborted) {
      const response = await fetch(url, {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/json' },
        body: bytes,
        signal: end.signal,
      });
      await response.arrayBuffer();
      answered += 1;
    }
  })().catch((error: Error) => {
    if (error.name !== 'AbortError') throw error;
  });
  return {
    stop: async () => {
      end.abort();
      await sent;
      return answered;
    },
  };
};
