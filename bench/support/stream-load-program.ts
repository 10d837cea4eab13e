import { StringDecoder } from 'node:string_decoder';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Dispatcher, Pool } from 'undici';
import { percentile, rounded } from './percentile.ts';
import { serveRequests } from './program.ts';
import type { StreamFigures, StreamLoad } from './stream-load.ts';

interface Taken {
  readonly is_measured: boolean;
  readonly is_whole: boolean;
  readonly first_token_ms: number;
  readonly lost_frames: number;
}

interface Form {
  /** The last line of the last event. */
  readonly end: string;
  wordOf(json: Record<string, unknown>): string | undefined;
}

const FORMS: Readonly<Record<StreamLoad['form'], Form>> = {
  openai: {
    end: 'data: [DONE]',
    wordOf: ({ choices }) => (choices as { delta: { content?: string } }[])[0]?.delta.content,
  },
  anthropic: {
    end: 'data: {"type":"message_stop"}',
    wordOf: ({ delta }) => (delta as { text?: string } | undefined)?.text,
  },
};

// More than any run needs, so that a stream never waits for a connection.
const CONNECTIONS_MAX = 4_096;
// Timers have a precision of a millisecond.
const TICK_MS = 1;

const openStreams = async (pool: Pool, load: StreamLoad): Promise<{ taken: Taken[]; max: number }> => {
  const { streams_per_s, warm_up_s, seconds, body, headers } = load;
  const { pathname: path } = new URL(load.url);
  const count = Math.round(streams_per_s * (warm_up_s + seconds));
  const measured_from = Math.round(streams_per_s * warm_up_s);
  let [at_once, max] = [0, 0];
  const open = async (number: number, due_ms: number): Promise<Taken> => {
    max = Math.max(max, ++at_once);
    const words = createWordCheck(load);
    let first_token_ms = Number.NaN;
    const status = await take(pool, { path, method: 'POST', headers, body }, (piece) => {
      words.add(piece);
      if (words.count > 0 && Number.isNaN(first_token_ms)) first_token_ms = performance.now() - due_ms;
    });
    at_once -= 1;
    const is_whole = status === 200 && words.is_over;
    return {
      is_measured: number >= measured_from,
      is_whole,
      first_token_ms,
      lost_frames: is_whole ? words.lost() : 0,
    };
  };
  const under_way: Promise<Taken>[] = [];
  const start_ms = performance.now();
  const dueOf = (number: number): number => start_ms + (number * 1_000) / streams_per_s;
  while (under_way.length < count) {
    while (under_way.length < count && dueOf(under_way.length) <= performance.now()) {
      under_way.push(open(under_way.length, dueOf(under_way.length)));
    }
    await sleep(TICK_MS);
  }
  return { taken: await Promise.all(under_way), max };
};

/** Passes the pieces of a response on as they arrive. @returns its status; 0 if it broke */
const take = (pool: Pool, request: Dispatcher.DispatchOptions, saw: (piece: Buffer) => void): Promise<number> =>
  new Promise((resolve) => {
    let status = 0;
    pool.dispatch(request, {
      onRequestStart: () => {},
      onResponseStart: (_controller, given) => {
        status = given;
      },
      onResponseData: (_controller, piece) => saw(piece),
      onResponseEnd: () => resolve(status),
      onResponseError: () => resolve(0),
    });
  });

/**
 * Compares the words of a stream with the expected ones. No part of the stream is stored, because garbage collection
 * of stored data would delay every stream.
 */
const createWordCheck = ({ words, form }: StreamLoad) => {
  const { end, wordOf } = FORMS[form];
  const decoder = new StringDecoder('utf8');
  let [count, wrong, open] = [0, 0, ''];
  let last = '';
  const read = (event: string): void => {
    last = event;
    const json = /^data: (\{.*\})$/m.exec(event)?.[1];
    const word = json === undefined ? '' : (wordOf(JSON.parse(json) as Record<string, unknown>) ?? '');
    if (word !== '' && word !== words[count++]) wrong += 1;
  };
  return {
    add: (piece: Buffer): void => {
      const events = (open + decoder.write(piece)).split('\n\n');
      open = events.pop()!;
      events.forEach(read);
    },
    get count() {
      return count;
    },
    get is_over() {
      return open === '' && last.endsWith(end);
    },
    /** Number of missing or misplaced words at the end of the stream. */
    lost: () => wrong + Math.max(0, words.length - count),
  };
};

serveRequests<StreamLoad, StreamFigures>(async (load) => {
  const pool = new Pool(new URL(load.url).origin, { connections: CONNECTIONS_MAX });
  const { taken, max } = await openStreams(pool, load);
  await pool.close();
  const measured = taken.filter(({ is_measured }) => is_measured);
  const whole = taken.filter(({ is_whole }) => is_whole);
  const waits_ms = measured.filter(({ is_whole }) => is_whole).map(({ first_token_ms }) => first_token_ms);
  const sorted = Float64Array.from(waits_ms).sort();
  return {
    streams: measured.length,
    whole: whole.length,
    failed: taken.length - whole.length,
    lost_frames: whole.reduce((sum, each) => sum + each.lost_frames, 0),
    max_at_once: max,
    first_token_p50_ms: rounded(percentile(sorted, 50)),
    first_token_p99_ms: rounded(percentile(sorted, 99)),
    first_token_max_ms: rounded(percentile(sorted, 100)),
  };
});
