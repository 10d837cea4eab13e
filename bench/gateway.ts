import { type BenchOption, type Figures, progress } from './support/bench.ts';
import { type ClosedLoopFigures, chooseLoadGenerator, type LoadGenerator } from './support/closed-loop.ts';
import { readConditions } from './support/conditions.ts';
import type { HttpCall } from './support/http-call.ts';
import { type OpenLoopFigures, runOpenLoop } from './support/open-loop.ts';
import { rounded } from './support/percentile.ts';
import { type RunningProduct, spawnProduct } from './support/product.ts';
import { startProgram } from './support/program.ts';
import { countVaultCalls, readCounts, waitUntilLoaded } from './support/vault-calls.ts';

export const description = 'calls/s through the gateway, and the latency that it adds to its upstream';

export const options = {
  connections: { default: 64, min: 1, max: 1_000, meaning: 'connections at once' },
  seconds: { default: 7, min: 1, max: 600, meaning: 'how long each of the four parts is measured' },
  rate: { default: 1_000, min: 10, max: 20_000, meaning: 'calls/s of the parts at a fixed rate' },
} as const satisfies Record<string, BenchOption>;

type Options = Readonly<Record<keyof typeof options, number>>;

// Until then V8 has compiled the hot code.
const WARM_UP_S = 3;
const LOAD_TIMEOUT_MS = 60_000;
const UPSTREAM_KEY = 'sandbox';

const BODY = JSON.stringify({
  model: 'gpt-4o-mini',
  messages: [
    { role: 'system', content: 'You are a helpful assistant. Answer in one sentence.' },
    { role: 'user', content: 'What does an insert-only table keep that one with updates loses?' },
  ],
  temperature: 0.2,
  max_tokens: 256,
});

/** Measures the upstream and the product on this machine: a closed loop at full speed, then a fixed rate. */
export const run = async (given: Readonly<Record<string, number>>): Promise<Figures> => {
  const chosen = given as Options;
  const sandbox = startProgram<object, { url: string }>(new URL('support/sandbox-program.ts', import.meta.url));
  try {
    const { url } = await sandbox.request({});
    progress('starting the product on a temporary data directory');
    const product = await spawnProduct({
      OPENAI_BASE_URL: `${url}/v1`,
      OPENAI_API_KEY: UPSTREAM_KEY,
      ANTHROPIC_BASE_URL: url,
      ANTHROPIC_API_KEY: UPSTREAM_KEY,
      GOOGLE_BASE_URL: url,
      GEMINI_API_KEY: UPSTREAM_KEY,
    });
    try {
      return await measure(chosen, product, `${url}/v1/chat/completions`);
    } finally {
      await product.stop();
    }
  } finally {
    await sandbox.stop();
  }
};

const measure = async (
  { connections, seconds, rate }: Options,
  product: RunningProduct,
  upstream_url: string,
): Promise<Figures> => {
  const direct: HttpCall = { url: upstream_url, authorization: `Bearer ${UPSTREAM_KEY}`, body: BODY };
  const through: HttpCall = {
    ...direct,
    url: `${product.url}/v1/chat/completions`,
    authorization: `Bearer ${product.api_key}`,
  };
  const generator = chooseLoadGenerator();
  const closed = { connections, seconds };
  const warm_up_upstream = await runClosed(generator, 'upstream, warm-up', direct, {
    ...closed,
    seconds: WARM_UP_S,
  });
  const upstream = await runClosed(generator, 'upstream', direct, closed);
  const warm_up = await runClosed(generator, 'gateway, warm-up', through, { ...closed, seconds: WARM_UP_S });
  const before = await readCounts(product.url);
  const gateway = await runClosed(generator, 'gateway', through, closed);
  const after = await readCounts(product.url);
  const loading_ms = Date.now();
  await waitUntilLoaded(product.url, LOAD_TIMEOUT_MS);
  const caught_up_s = (Date.now() - loading_ms) / 1_000;
  const fixed = { calls_per_s: rate, seconds, connections };
  const fixed_upstream = await runFixed('upstream', { ...direct, ...fixed });
  const fixed_gateway = await runFixed('gateway', { ...through, ...fixed });
  const { calls } = await waitUntilLoaded(product.url, LOAD_TIMEOUT_MS);
  const vault = await countVaultCalls(product.database_url);
  const parts = [warm_up_upstream, upstream, warm_up, gateway, fixed_upstream, fixed_gateway];
  const failed = parts.reduce((sum, part) => sum + part.failed, 0);
  const answered = warm_up.answered + gateway.answered + fixed_gateway.answered;
  return {
    is_complete: failed === 0 && vault.rows === calls && vault.succeeded >= answered,
    conditions: {
      ...(await readConditions(product.database_url)),
      load_generator: generator.name,
      connections,
      seconds,
    },
    upstream: figuresOf(upstream),
    gateway: {
      ...figuresOf(gateway),
      cpu_us_a_call: rounded(((after.cpu_s - before.cpu_s) * 1e6) / (after.calls - before.calls), 0),
      vault_caught_up_after_s: rounded(caught_up_s, 1),
    },
    at_fixed_rate: {
      rate,
      upstream: figuresOf(fixed_upstream),
      gateway: figuresOf(fixed_gateway),
      added_p50_ms: rounded(fixed_gateway.p50_ms - fixed_upstream.p50_ms),
      added_p99_ms: rounded(fixed_gateway.p99_ms - fixed_upstream.p99_ms),
    },
    // Calls that the load generator aborted at its end are recorded, but their response was not read.
    calls: { made: calls, answered, failed, vault_rows: vault.rows },
  };
};

const runClosed = async (
  generator: LoadGenerator,
  name: string,
  call: HttpCall,
  load: { readonly connections: number; readonly seconds: number },
): Promise<ClosedLoopFigures> => {
  const figures = await generator.run(call, load);
  progress(
    `${name}: ${figures.calls_per_s} calls/s at ${load.connections} connections, p50 ${figures.p50_ms} ms, p99 ${figures.p99_ms} ms`,
  );
  return figures;
};

const runFixed = async (name: string, input: Parameters<typeof runOpenLoop>[0]): Promise<OpenLoopFigures> => {
  const figures = await runOpenLoop(input);
  progress(`${name}: at ${figures.calls_per_s} calls/s p50 ${figures.p50_ms} ms, p99 ${figures.p99_ms} ms`);
  return figures;
};

const figuresOf = ({ calls_per_s, p50_ms, p99_ms }: OpenLoopFigures) => ({ calls_per_s, p50_ms, p99_ms });
