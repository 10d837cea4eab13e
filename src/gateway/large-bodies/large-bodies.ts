import { availableParallelism } from 'node:os';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import { OneVaultError } from '../../core/errors.ts';
import { type ComplianceFlag, detectFlags } from '../guardrails/detectors.ts';
import { commitmentOf } from './commitment.ts';
import { move } from './move.ts';
import { type ReadJson, readJson } from './read-json.ts';
import type { BodyResult, BodyTask } from './worker.ts';

/** A body with its commitment and its JSON. */
export interface LargeBody {
  readonly bytes: Buffer;
  readonly commitment: string;
  /** Null if it was not to be read as JSON. */
  readonly json: ReadJson | null;
  /** The reason why its JSON cannot be served. */
  readonly refusal: OneVaultError | null;
}

/** Reads and searches bodies: small ones at once, large ones in worker threads, so that other calls go on. */
export interface LargeBodies {
  /**
   * @param body is not to be used after the call, because its memory may move to another thread
   * @throws OneVaultError overloaded
   */
  read(body: Buffer, salt: Buffer, is_json: boolean): LargeBody | Promise<LargeBody>;
  /** The compliance flags of a prompt. @throws OneVaultError overloaded */
  detect(prompt: string): ComplianceFlag[] | Promise<ComplianceFlag[]>;
  close(): Promise<void>;
}

// A body of this size takes about 1 ms; the way to a thread and back takes 0.2 ms and delays the call itself.
const INLINE_MAX_BYTES = 65_536;
// A thread is started with the first large body, in about 50 ms, and kept for those that follow.
const IDLE_TIMEOUT_MS = 60_000;
// More threads than this take processor time from the event loop. The load of the vault needs a core, too.
const THREADS_MAX = 4;
// Waiting bodies are held in memory: at most 64 times 32 MiB. Beyond this limit, calls are refused.
const WAITING_MAX = 64;

// Where cores are few, the event loop comes first. Only Linux has priorities of threads.
const NICENESS = 10;

const WORKER = new URL(`./worker${extname(fileURLToPath(import.meta.url))}`, import.meta.url).href;

/** @param inline_max_bytes size up to which bodies and prompts are handled at once */
export const createLargeBodies = (inline_max_bytes = INLINE_MAX_BYTES): LargeBodies => {
  const pool = new Piscina({
    filename: WORKER,
    minThreads: 0,
    maxThreads: Math.min(THREADS_MAX, Math.max(1, availableParallelism() - 1)),
    idleTimeout: IDLE_TIMEOUT_MS,
    maxQueue: WAITING_MAX,
    atomics: 'disabled',
    niceIncrement: process.platform === 'linux' ? NICENESS : 0,
  });
  const run = async <Result>(name: string, task: object | string): Promise<Result> => {
    if (pool.queueSize >= WAITING_MAX) throw new OneVaultError('overloaded', { retry_after_s: 1 });
    return (await pool.run(task, { name })) as Result;
  };
  const readInWorker = async (body: Buffer, salt: Buffer, is_json: boolean): Promise<LargeBody> => {
    const bytes = ownMemory(body);
    // A view is copied with all of its memory, which is a pool of salts.
    const task: BodyTask = { bytes, salt: Uint8Array.from(salt), is_json };
    const { refusal, ...result } = await run<BodyResult>('readBody', move(task, [bytes.buffer]));
    return {
      ...result,
      bytes: Buffer.from(result.bytes.buffer, result.bytes.byteOffset, result.bytes.byteLength),
      refusal: refusal === null ? null : new OneVaultError(refusal.code, { details: refusal.details }),
    };
  };
  return {
    read: (body, salt, is_json) =>
      body.length > inline_max_bytes ? readInWorker(body, salt, is_json) : readInline(body, salt, is_json),
    detect: (prompt) =>
      prompt.length > inline_max_bytes ? run<ComplianceFlag[]>('detect', prompt) : detectFlags(prompt),
    close: () => pool.destroy(),
  };
};

const readInline = (bytes: Buffer, salt: Buffer, is_json: boolean): LargeBody => {
  const commitment = commitmentOf(salt, bytes);
  try {
    return { bytes, commitment, json: is_json ? readJson(bytes) : null, refusal: null };
  } catch (error) {
    if (!(error instanceof OneVaultError)) throw error;
    return { bytes, commitment, json: null, refusal: error };
  }
};

/** The same bytes in memory that holds nothing else, because memory moves as a whole. */
const ownMemory = (body: Buffer): Uint8Array<ArrayBuffer> =>
  body.buffer.byteLength === body.length && body.buffer instanceof ArrayBuffer
    ? new Uint8Array(body.buffer)
    : Uint8Array.from(body);
