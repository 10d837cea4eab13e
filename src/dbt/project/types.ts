import type { Template } from '../template/template.ts';

/** Configuration of a model. Keys as in dbt. */
export interface ModelConfig {
  readonly materialized: 'view' | 'table' | 'incremental' | 'ephemeral';
  /** The custom schema, which dbt appends to the target's. */
  readonly schema: string | null;
  readonly alias: string | null;
  readonly tags: readonly string[];
  readonly unique_key: readonly string[];
  readonly incremental_strategy: 'append' | 'delete+insert';
  readonly enabled: boolean;
  readonly meta: Readonly<Record<string, unknown>>;
  readonly indexes: readonly IndexConfig[];
}

/** An index of a table, as dbt-postgres configures them. */
export interface IndexConfig {
  readonly columns: readonly string[];
  readonly unique?: boolean;
  readonly type?: string;
}

export interface TestConfig {
  readonly severity: 'error' | 'warn';
  readonly where: string | null;
  readonly tags: readonly string[];
  readonly enabled: boolean;
  readonly meta: Readonly<Record<string, unknown>>;
}

export interface Column {
  readonly name: string;
  readonly description: string;
  readonly data_type: string | null;
  readonly quote: boolean;
}

interface TemplatedNode {
  readonly unique_id: string;
  readonly name: string;
  /** Relative to the folder that dbt_project.yml names. */
  readonly path: string;
  /** Relative to the project folder, with `/`. */
  readonly original_file_path: string;
  readonly fqn: readonly string[];
  readonly description: string;
  readonly template: Template;
  /** The unique ids of the models and sources that it reads. */
  readonly depends_on: readonly string[];
  readonly macros: readonly string[];
  /** The arguments of its own config(). */
  readonly config_call: Readonly<Record<string, unknown>>;
  readonly refs: readonly string[];
  readonly sources: readonly (readonly [string, string])[];
}

export interface Model extends TemplatedNode {
  readonly resource_type: 'model';
  readonly config: ModelConfig;
  readonly columns: readonly Column[];
  /** The properties file that describes it. */
  readonly patch_path: string | null;
}

export interface DataTest extends TemplatedNode {
  readonly resource_type: 'test';
  readonly config: TestConfig;
  /** Parts of a generic test; null for a singular one. */
  readonly generic: GenericTest | null;
}

interface GenericTest {
  readonly test: string;
  readonly column: string | null;
  readonly arguments: Readonly<Record<string, unknown>>;
  /** The model or source that it is written at. */
  readonly attached_to: string;
}

export interface Source {
  readonly resource_type: 'source';
  readonly unique_id: string;
  readonly source_name: string;
  readonly name: string;
  /** May hold Jinja, rendered for the target. */
  readonly schema: string;
  readonly identifier: string;
  readonly original_file_path: string;
  readonly fqn: readonly string[];
  readonly description: string;
  readonly source_description: string;
  readonly columns: readonly Column[];
}

export interface MacroFile {
  readonly file: string;
  readonly names: readonly string[];
  readonly template: Template;
}

export type ProjectNode = Model | DataTest;

/** A dbt project that was read whole and has no fault that can be seen without a database. */
export interface Project {
  readonly name: string;
  readonly version: string | null;
  readonly project_dir: string;
  /** The vars of dbt_project.yml under those of the caller. */
  readonly vars: Readonly<Record<string, unknown>>;
  readonly env: Readonly<Record<string, string>>;
  readonly models: ReadonlyMap<string, Model>;
  readonly tests: ReadonlyMap<string, DataTest>;
  readonly sources: ReadonlyMap<string, Source>;
  readonly macros: readonly MacroFile[];
}
