import { createHash } from 'node:crypto';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { Watermark } from '../core/watermark.ts';
import type { Sql } from '../postgres/connect.ts';
import { cutOffAt } from '../vault/known.ts';
import { sealKnown } from '../vault/seal-known.ts';
import { type Compiled, compile } from './compile.ts';
import { parseProject } from './project/parse-project.ts';
import { buildProject } from './run/build-project.ts';

/** The schema that the dbt project's schemas start with: `derived_marts` and so on. */
export const TARGET = { schema: 'derived' } as const;

/** Inputs of building models, for one run of a job. */
export interface ModelRun {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly log: Log;
  /** The folder that holds dbt_project.yml. */
  readonly project_dir: string;
  /** The logical instant: ISO 8601, UTC. */
  readonly at: string;
  /** The watermark of the last successful run of this job; null before the first. */
  readonly previous: Watermark | null;
}

/** The exact set of calls that a run may read: everything that is final now. */
export const takeWatermark = async ({ sql, clock, at }: ModelRun): Promise<Watermark> => {
  const known = await sealKnown(sql, clock);
  return { known, at, writers: await cutOffAt(sql, known) };
};

/**
 * Builds the models with a tag for a run, without their tests, which read whole tables.
 * @returns SHA-256 of the compiled SQL of all of them, hex
 * @throws ModelError with the message of PostgreSQL or of the project's parser
 */
export const buildModels = async (context: ModelRun, tag: string, now: Watermark): Promise<string> => {
  const { sql, project_dir, log, clock, at } = context;
  const project = parseProject({ project_dir });
  const { success, results } = await buildProject({
    sql,
    project,
    target: TARGET,
    at,
    select: `tag:${tag}`,
    vars: varsOf(now, context.previous),
    run_tests: false,
    log,
    clock,
  });
  if (!success) throw new ModelError(results.map(({ message }) => message).filter((message) => message !== null));
  const hash = createHash('sha256');
  for (const { unique_id, compiled_sha256 } of results.toSorted((a, b) => (a.unique_id < b.unique_id ? -1 : 1))) {
    hash.update(`${unique_id} ${compiled_sha256}\n`);
  }
  return hash.digest('hex');
};

/** The SQL of one model for a run. */
export const compileModel = ({ project_dir, at, previous }: ModelRun, name: string, now: Watermark): Compiled =>
  compile(parseProject({ project_dir }), name, { target: TARGET, at, vars: varsOf(now, previous) });

/** Models could not be built. `code` is PostgreSQL's, of the first that failed, where it gave one. */
export class ModelError extends Error {
  readonly code: string | undefined;

  constructor(messages: readonly string[]) {
    super(messages.join('\n'));
    this.name = 'ModelError';
    this.code = /\(([0-9A-Z]{5}|[A-Z_]+)\)$/m.exec(messages[0] ?? '')?.[1];
  }
}

const varsOf = (now: Watermark, previous: Watermark | null): Record<string, string> => ({
  at: now.at,
  known: now.known,
  ...(previous === null
    ? {}
    : { since: JSON.stringify(previous.writers), since_at: previous.at, since_known: previous.known }),
});
