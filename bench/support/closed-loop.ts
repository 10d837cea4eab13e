import { execFile, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import autocannon from 'autocannon';
import { type HttpCall, headersOf } from './http-call.ts';
import { rounded } from './percentile.ts';

/** Throughput if each connection sends its next call as soon as it has a response. */
export interface ClosedLoopFigures {
  readonly calls_per_s: number;
  readonly p50_ms: number;
  readonly p99_ms: number;
  readonly answered: number;
  /** Calls with an error status or a connection error. */
  readonly failed: number;
}

export interface Load {
  readonly connections: number;
  readonly seconds: number;
}

export interface LoadGenerator {
  readonly name: string;
  run(call: HttpCall, load: Load): Promise<ClosedLoopFigures>;
}

/** wrk if it is installed, because it is written in C and uses less of the machine; else autocannon from npm. */
export const chooseLoadGenerator = (): LoadGenerator =>
  spawnSync('wrk', ['--version']).error === undefined
    ? { name: 'wrk', run: runWrk }
    : { name: 'autocannon', run: runAutocannon };

const REPORT = fileURLToPath(new URL('wrk-report.lua', import.meta.url));

interface WrkFigures {
  readonly answered: number;
  readonly failed: number;
  readonly duration_us: number;
  readonly p50_us: number;
  readonly p99_us: number;
}

const runWrk = async (call: HttpCall, { connections, seconds }: Load): Promise<ClosedLoopFigures> => {
  // One thread, because two would compete with the gateway for the cores.
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '-s', REPORT, call.url];
  const env = { ...process.env, CALL_BODY: call.body, CALL_AUTHORIZATION: call.authorization };
  const { stdout } = await promisify(execFile)('wrk', args, { env });
  const [, json] = /^FIGURES (.+)$/m.exec(stdout) ?? [];
  if (json === undefined) throw new Error(`wrk gave no figures:\n${stdout}`);
  const { answered, failed, duration_us, p50_us, p99_us } = JSON.parse(json) as WrkFigures;
  return {
    calls_per_s: rounded(answered / (duration_us / 1e6), 0),
    p50_ms: rounded(p50_us / 1_000),
    p99_ms: rounded(p99_us / 1_000),
    answered,
    failed,
  };
};

const runAutocannon = async (call: HttpCall, { connections, seconds }: Load): Promise<ClosedLoopFigures> => {
  const { url, body } = call;
  const result = await autocannon({
    url,
    body,
    connections,
    method: 'POST',
    headers: headersOf(call),
    duration: seconds,
  });
  const answered = result.requests.total;
  return {
    calls_per_s: rounded(answered / result.duration, 0),
    p50_ms: result.latency.p50,
    p99_ms: result.latency.p99,
    answered,
    failed: result.non2xx + result.errors,
  };
};
