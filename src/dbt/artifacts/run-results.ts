import type { Layout } from '../layout.ts';
import type { Project } from '../project/types.ts';
import { quoted } from '../relations.ts';
import type { NodeResult } from '../run/result.ts';
import { type ArtifactMetadata, RUN_RESULTS_SCHEMA } from './metadata.ts';

export interface RunResultsInput {
  readonly project: Project;
  readonly layout: Layout;
  readonly metadata: ArtifactMetadata;
  readonly results: readonly NodeResult[];
  readonly elapsed_s: number;
  /** Arguments of the run: the selection, the instant, the vars. */
  readonly args: Readonly<Record<string, unknown>>;
}

/** dbt's run_results.json, version 6: https://schemas.getdbt.com/dbt/run-results/v6.json */
export const runResultsOf = ({
  project,
  layout,
  metadata,
  results,
  elapsed_s,
  args,
}: RunResultsInput): Record<string, unknown> => ({
  metadata: { dbt_schema_version: RUN_RESULTS_SCHEMA, ...metadata },
  results: results.map((result) => ({
    status: result.status,
    timing:
      result.status === 'skipped'
        ? []
        : [{ name: 'execute', started_at: result.started_at, completed_at: result.completed_at }],
    thread_id: 'main',
    execution_time: result.execution_time_s,
    // dbt-postgres writes -1 for a statement that counts no rows.
    adapter_response: result.status === 'success' ? { rows_affected: result.rows_affected ?? -1 } : {},
    message: result.message,
    failures: result.failures,
    unique_id: result.unique_id,
    compiled: result.compiled_sql !== null,
    compiled_code: result.compiled_sql,
    relation_name: relationName(result.unique_id, project, layout),
  })),
  elapsed_time: elapsed_s,
  args,
});

const relationName = (id: string, project: Project, layout: Layout): string | null => {
  const relation = project.models.has(id) ? layout.get(id) : undefined;
  return relation === undefined ? null : quoted(relation);
};
