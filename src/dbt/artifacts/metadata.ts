/** Metadata of the run, for both artifacts. */
export interface ArtifactMetadata {
  /** The version of dbt whose form the artifacts have. */
  readonly dbt_version: string;
  readonly generated_at: string;
  readonly invocation_id: string;
  readonly env: Readonly<Record<string, string>>;
}

export const MANIFEST_SCHEMA = 'https://schemas.getdbt.com/dbt/manifest/v12.json';
export const RUN_RESULTS_SCHEMA = 'https://schemas.getdbt.com/dbt/run-results/v6.json';

// Readers of the artifacts look here for what to expect; ours hold what dbt 1.10 writes for the same project.
export const DBT_VERSION = '1.10.0';
