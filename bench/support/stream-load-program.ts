import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'undici';
import { percentile, rounded } from './percentile.ts';
import { answerQuestions } from './program.ts';
import type { StreamFigures, StreamLoad } from './stream-load.ts';

interface Taken {
  readonly is_measured: boolean;
  readonly is_whole: boolean;
  readonly first_token_ms: number;
  /** Read when all is over: reading it meanwhile would keep other streams waiting. */
  readonly pieces: readonly Buffer[];
}

interface Form {
  /** Stands in the first frame that holds a word, and in none before it. */
  readonly first: string;
  readonly end: string;
  wordOf(json: Record<string, unknown>): string | undefined;
}

const FORMS: Readonly<Record<StreamLoad['form'], Form>> = {
  openai: {
    first: '"delta":{"content":',
    end: 'data: [DONE]\n\n',
    wordOf: ({ choices }) => (choices as { delta: { content?: string } }[])[0]?.delta.content,
  },
  anthropic: {
    first: '"text_delta"',
    end: 'data: {"type":"message_stop"}\n\n',
    wordOf: ({ delta }) => (delta as { text?: string } | undefined)?.text,
  },
};

// More than any run needs: a stream never waits for a connection.
const CONNECTIONS_MAX = 4_096;
// Timers are good to a millisecond.
const TICK_MS = 1;

const openStreams = async (pool: Pool, load: StreamLoad): Promise<{ taken: Taken[]; most: number }> => {
  const { streams_per_s, warm_up_s, seconds, body, headers } = load;
  const { pathname: path } = new URL(load.url);
  const form = FORMS[load.form];
  const count = Math.round(streams_per_s * (warm_up_s + seconds));
  const measured_from = Math.round(streams_per_s * warm_up_s);
  let [at_once, most] = [0, 0];
  const open = async (number: number, due_ms: number): Promise<Taken> => {
    most = Math.max(most, ++at_once);
    const pieces: Buffer[] = [];
    let first_token_ms = Number.NaN;
    let is_whole = false;
    try {
      const reply = await pool.request({ path, method: 'POST', headers, body });
      for await (const piece of reply.body as AsyncIterable<Buffer>) {
        if (Number.isNaN(first_token_ms) && piece.includes(form.first))
          first_token_ms = performance.now() - due_ms;
        pieces.push(piece);
      }
      is_whole = reply.statusCode === 200 && Buffer.concat(pieces.slice(-2)).toString().endsWith(form.end);
    } catch {
      // It counts as failed.
    }
    at_once -= 1;
    return { is_measured: number >= measured_from, is_whole, first_token_ms, pieces };
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
  return { taken: await Promise.all(under_way), most };
};

/** How many of the words are not where they belong. */
const lostOf = ({ pieces }: Taken, { words, form }: StreamLoad): number => {
  const text = Buffer.concat(pieces).toString();
  const came = [...text.matchAll(/^data: (\{.*\})$/gm)]
    .map(([, json]) => FORMS[form].wordOf(JSON.parse(json!) as Record<string, unknown>) ?? '')
    .filter((word) => word !== '');
  return words.filter((word, at) => came[at] !== word).length + Math.max(0, came.length - words.length);
};

answerQuestions<StreamLoad, StreamFigures>(async (load) => {
  const pool = new Pool(new URL(load.url).origin, { connections: CONNECTIONS_MAX });
  const { taken, most } = await openStreams(pool, load);
  await pool.close();
  const measured = taken.filter(({ is_measured }) => is_measured);
  const whole = taken.filter(({ is_whole }) => is_whole);
  const waits_ms = measured.filter(({ is_whole }) => is_whole).map(({ first_token_ms }) => first_token_ms);
  const sorted = Float64Array.from(waits_ms).sort();
  return {
    streams: measured.length,
    whole: whole.length,
    failed: taken.length - whole.length,
    lost_frames: whole.reduce((sum, each) => sum + lostOf(each, load), 0),
    most_at_once: most,
    first_token_p50_ms: rounded(percentile(sorted, 50)),
    first_token_p99_ms: rounded(percentile(sorted, 99)),
    first_token_most_ms: rounded(percentile(sorted, 100)),
  };
});
