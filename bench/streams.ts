import { setTimeout as sleep } from 'node:timers/promises';
import { type BenchOption, type Figures, progress } from './support/bench.ts';
import { readConditions } from './support/conditions.ts';
import { headersOf } from './support/http-call.ts';
import { percentile, rounded } from './support/percentile.ts';
import { type RunningProduct, spawnProduct } from './support/product.ts';
import { startProgram } from './support/program.ts';
import { runStreamLoad, type StreamFigures, type StreamLoad } from './support/stream-load.ts';
import type { StreamScript } from './support/stream-upstream-program.ts';
import { countVaultCalls, readCounts, waitUntilLoaded } from './support/vault-calls.ts';

export const description = 'many streams at once, translated: lost frames, time to the first token, memory';

export const options = {
  streams: { default: 512, min: 1, max: 4_096, meaning: 'streams at once' },
  tokens: { default: 100, min: 2, max: 10_000, meaning: 'tokens, and frames, of a stream' },
  interval_ms: { default: 50, min: 1, max: 10_000, meaning: 'time between two tokens of a stream' },
  seconds: { default: 12, min: 1, max: 600, meaning: 'how long each of the two parts is measured' },
} as const satisfies Record<string, BenchOption>;

type Options = Readonly<Record<keyof typeof options, number>>;

const LOAD_TIMEOUT_MS = 60_000;
const SAMPLE_MS = 1_000;
const MODEL = 'claude-haiku-4-5';
const QUESTION = [{ role: 'user', content: 'What does an insert-only table keep that others lose?' }];
const MAX_TOKENS = 1_024;
// The garbage of streams is collected after about 100 MB, so that memory rises and falls. A leak would exceed this
// limit, which is also the gateway's goal.
const RESIDENT_MAX_MB = 400;

/**
 * Streams through the gateway and directly from the upstream. The starts are evenly spread over the duration of one
 * stream, so that the requested number is open at once: each ends when another one starts.
 */
export const run = async (given: Readonly<Record<string, number>>): Promise<Figures> => {
  const chosen = given as Options;
  const words = Array.from({ length: chosen.tokens }, (_, index) => `wörd${index} `);
  const upstream = startProgram<StreamScript, { url: string }>(
    new URL('support/stream-upstream-program.ts', import.meta.url),
  );
  try {
    const { url } = await upstream.request({ words, interval_ms: chosen.interval_ms });
    progress('starting the product on a temporary data directory');
    const product = await spawnProduct({ ANTHROPIC_BASE_URL: url, ANTHROPIC_API_KEY: 'upstream' });
    try {
      return await measure(chosen, product, { url, words });
    } finally {
      await product.stop();
    }
  } finally {
    await upstream.stop();
  }
};

const measure = async (
  { streams, tokens, interval_ms, seconds }: Options,
  product: RunningProduct,
  upstream: { readonly url: string; readonly words: readonly string[] },
): Promise<Figures> => {
  const stream_s = (tokens * interval_ms) / 1_000;
  const pace = { streams_per_s: streams / stream_s, seconds, words: upstream.words };
  const direct = await runLoad('past the gateway', {
    ...pace,
    warm_up_s: stream_s,
    form: 'anthropic',
    ...callOf(`${upstream.url}/v1/messages`, 'upstream'),
  });
  // The gateway's warm-up takes twice as long, because V8 must compile it and its connections must be opened.
  const memory = watchMemory(product.url, 2 * stream_s);
  const before = await readCounts(product.url);
  const started_ms = Date.now();
  const through = await runLoad('through the gateway', {
    ...pace,
    warm_up_s: 2 * stream_s,
    form: 'openai',
    ...callOf(`${product.url}/v1/chat/completions`, product.api_key),
  });
  const elapsed_s = (Date.now() - started_ms) / 1_000;
  const resident = await memory.stop();
  const after = await readCounts(product.url);
  await waitUntilLoaded(product.url, LOAD_TIMEOUT_MS);
  const vault = await countVaultCalls(product.database_url);
  const frames = through.whole * (tokens + 1);
  return {
    is_complete:
      through.failed + direct.failed + through.lost_frames + direct.lost_frames === 0 &&
      vault.succeeded === through.whole &&
      resident.max < RESIDENT_MAX_MB,
    conditions: {
      ...(await readConditions(product.database_url)),
      streams,
      tokens,
      interval_ms,
      seconds,
      arrivals: `${rounded(pace.streams_per_s, 1)} streams/s, evenly spread`,
    },
    direct,
    through,
    added_first_token_p50_ms: rounded(through.first_token_p50_ms - direct.first_token_p50_ms),
    added_first_token_p99_ms: rounded(through.first_token_p99_ms - direct.first_token_p99_ms),
    frames_per_s: rounded(frames / elapsed_s, 0),
    cpu: {
      cores: rounded((after.cpu_s - before.cpu_s) / elapsed_s),
      us_a_frame: rounded(((after.cpu_s - before.cpu_s) * 1e6) / frames, 1),
    },
    resident_mb: resident,
    vault_calls: vault.succeeded,
  };
};

const callOf = (url: string, key: string): Pick<StreamLoad, 'url' | 'authorization' | 'body' | 'headers'> => {
  const call = {
    url,
    authorization: `Bearer ${key}`,
    body: JSON.stringify({ model: MODEL, stream: true, max_tokens: MAX_TOKENS, messages: QUESTION }),
  };
  return { ...call, headers: headersOf(call) };
};

const runLoad = async (name: string, load: StreamLoad): Promise<StreamFigures> => {
  const figures = await runStreamLoad(load);
  const { first_token_p50_ms: p50, first_token_p99_ms: p99, max_at_once, failed, lost_frames } = figures;
  progress(
    `${name}: ${max_at_once} streams at most, first token p50 ${p50} ms, p99 ${p99} ms, ${failed} failed, ${lost_frames} frames lost`,
  );
  return figures;
};

interface Resident {
  /** Medians of the first and the last third of the samples. */
  readonly first: number;
  readonly last: number;
  readonly max: number;
}

/** Samples the gateway's resident memory, starting after `after_s`. */
const watchMemory = (url: string, after_s: number): { stop(): Promise<Resident> } => {
  const samples_mb: number[] = [];
  const end = new AbortController();
  const watched = (async () => {
    await sleep(after_s * 1_000, undefined, { signal: end.signal });
    for (;;) {
      samples_mb.push((await readCounts(url)).resident_bytes / 2 ** 20);
      await sleep(SAMPLE_MS, undefined, { signal: end.signal });
    }
  })().catch((error: Error) => {
    if (error.name !== 'AbortError') throw error;
  });
  return {
    stop: async () => {
      end.abort();
      await watched;
      const third = Math.ceil(samples_mb.length / 3);
      const [first, last] = [median(samples_mb.slice(0, third)), median(samples_mb.slice(-third))];
      return {
        first: rounded(first, 0),
        last: rounded(last, 0),
        max: rounded(Math.max(...samples_mb), 0),
      };
    },
  };
};

const median = (values: readonly number[]): number => percentile(Float64Array.from(values).sort(), 50);
