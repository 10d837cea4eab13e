import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, instantOf, systemClock } from '../../core/clock.ts';
import { createIds } from '../../core/ids.ts';
import type { Sql } from '../../postgres/connect.ts';
import type { Layout, RenderInput } from '../layout.ts';
import type { NodeResult } from '../run/result.ts';
import { manifestOf } from './manifest.ts';
import { type ArtifactMetadata, DBT_VERSION } from './metadata.ts';
import { runResultsOf } from './run-results.ts';

interface WriteInput extends RenderInput {
  readonly sql: Sql;
  readonly target_dir: string;
  readonly layout: Layout;
  readonly select?: string | readonly string[];
  readonly clock?: Clock;
  readonly result: { readonly results: readonly NodeResult[]; readonly elapsed_s: number };
}

/** Writes manifest.json and run_results.json into `target_dir`; a reader finds the old file or the new one whole. */
export const writeArtifacts = async (input: WriteInput): Promise<void> => {
  const { sql, project, layout, target, target_dir, clock = systemClock, result } = input;
  const [row] = await sql<{ database: string }[]>`select current_database() as database`;
  const metadata: ArtifactMetadata = {
    dbt_version: DBT_VERSION,
    generated_at: instantOf(clock.now()),
    invocation_id: createIds(clock)(),
    env: {},
  };
  const args = {
    select: input.select ?? [],
    vars: { ...project.vars, ...input.vars },
    at: input.at,
    target_schema: target.schema,
  };
  const shared = { project, layout, metadata, ...result };
  const manifest = manifestOf({ ...shared, database: row!.database, target_schema: target.schema });
  await mkdir(target_dir, { recursive: true });
  await writeWhole(join(target_dir, 'manifest.json'), manifest);
  await writeWhole(join(target_dir, 'run_results.json'), runResultsOf({ ...shared, args }));
};

const writeWhole = async (path: string, value: unknown): Promise<void> => {
  await writeFile(`${path}.new`, JSON.stringify(value));
  await rename(`${path}.new`, path);
};
