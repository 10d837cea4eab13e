import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'undici';
import { headersOf } from './http-call.ts';
import type { OpenLoopFigures, OpenLoopQuestion } from './open-loop.ts';
import { percentile, rounded } from './percentile.ts';
import { answerQuestions } from './program.ts';

// Calls before the measuring, which open the connections and warm this process up.
const WARM_UP_S = 1;
// Timers are good to a millisecond: calls that are due within the next one leave together.
const TICK_MS = 1;

interface Sent {
  readonly latencies_ms: number[];
  readonly failed: number;
  readonly duration_s: number;
}

const sendAll = async (pool: Pool, question: OpenLoopQuestion, seconds: number): Promise<Sent> => {
  const { body, calls_per_s } = question;
  const { pathname: path } = new URL(question.url);
  const headers = headersOf(question);
  const count = calls_per_s * seconds;
  const latencies_ms: number[] = [];
  let failed = 0;
  const call = async (due_ms: number): Promise<void> => {
    try {
      const reply = await pool.request({ path, method: 'POST', headers, body });
      await reply.body.dump();
      if (reply.statusCode === 200) latencies_ms.push(performance.now() - due_ms);
      else failed += 1;
    } catch {
      failed += 1;
    }
  };
  const under_way: Promise<void>[] = [];
  const start_ms = performance.now();
  while (under_way.length < count) {
    const due = Math.min(count, Math.ceil(((performance.now() - start_ms) / 1_000) * calls_per_s));
    while (under_way.length < due) under_way.push(call(start_ms + (under_way.length * 1_000) / calls_per_s));
    await sleep(TICK_MS);
  }
  await Promise.all(under_way);
  return { latencies_ms, failed, duration_s: (performance.now() - start_ms) / 1_000 };
};

answerQuestions<OpenLoopQuestion, OpenLoopFigures>(async (question) => {
  const pool = new Pool(new URL(question.url).origin, { connections: question.connections });
  const warm_up = await sendAll(pool, question, WARM_UP_S);
  const { latencies_ms, failed, duration_s } = await sendAll(pool, question, question.seconds);
  await pool.close();
  const sorted = Float64Array.from(latencies_ms).sort();
  return {
    calls_per_s: rounded((sorted.length + failed) / duration_s, 0),
    p50_ms: rounded(percentile(sorted, 50)),
    p99_ms: rounded(percentile(sorted, 99)),
    answered: sorted.length + warm_up.latencies_ms.length,
    failed: failed + warm_up.failed,
  };
});
