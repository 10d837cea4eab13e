import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'undici';
import { headersOf } from './http-call.ts';
import type { OpenLoopFigures, OpenLoopRequest } from './open-loop.ts';
import { percentile, rounded } from './percentile.ts';
import { serveRequests } from './program.ts';

// Calls before the measurement open the connections and warm up this process.
const WARM_UP_S = 1;
// Timers have a precision of a millisecond, so calls due within the next one are sent together.
const TICK_MS = 1;

interface Sent {
  readonly latencies_ms: number[];
  readonly failed: number;
  readonly duration_s: number;
}

const sendAll = async (pool: Pool, input: OpenLoopRequest, seconds: number): Promise<Sent> => {
  const { body, calls_per_s } = input;
  const { pathname: path } = new URL(input.url);
  const headers = headersOf(input);
  const count = calls_per_s * seconds;
  const latencies_ms: number[] = [];
  let failed = 0;
  const call = async (due_ms: number): Promise<void> => {
    try {
      const response = await pool.request({ path, method: 'POST', headers, body });
      await response.body.dump();
      if (response.statusCode === 200) latencies_ms.push(performance.now() - due_ms);
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

serveRequests<OpenLoopRequest, OpenLoopFigures>(async (input) => {
  const pool = new Pool(new URL(input.url).origin, { connections: input.connections });
  const warm_up = await sendAll(pool, input, WARM_UP_S);
  const { latencies_ms, failed, duration_s } = await sendAll(pool, input, input.seconds);
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
