import { type Clock, instantOf, systemClock } from '../../core/clock.ts';
import { type Log, silentLog } from '../../core/log.ts';
import type { Sql } from '../../postgres/connect.ts';
import { writeArtifacts } from '../artifacts/write-artifacts.ts';
import { type Compiled, compileNode } from '../compile.ts';
import type { Target } from '../context.ts';
import { ancestorsOf } from '../graph.ts';
import { type Layout, layOut, type RenderInput } from '../layout.ts';
import type { Project, ProjectNode } from '../project/types.ts';
import { parentsOf, selectNodes } from '../select.ts';
import { faultOf, isBlocking, type NodeResult } from './result.ts';
import { runGraph } from './run-graph.ts';
import { createSchemas, runModel } from './run-model.ts';
import { runTest } from './run-test.ts';

export interface BuildInput {
  readonly sql: Sql;
  readonly project: Project;
  readonly target: Target;
  /** The logical instant, ISO 8601: `run_started_at`. Models get theirs by `vars`. */
  readonly at: string;
  /** dbt's selection syntax; without it everything is built. */
  readonly select?: string | readonly string[];
  /** Vars that win over the project's. */
  readonly vars?: Readonly<Record<string, unknown>>;
  /** Number of nodes that run at once, each on its own connection (default 4). */
  readonly threads?: number;
  /** True if tests run too, and block nodes that read faulty ones (default true). */
  readonly run_tests?: boolean;
  readonly full_refresh?: boolean;
  /** A folder for manifest.json and run_results.json. */
  readonly target_dir?: string;
  readonly log?: Log;
  readonly clock?: Clock;
}

export interface BuildResult {
  /** True if no model failed or was skipped and no test of severity error failed. */
  readonly success: boolean;
  readonly elapsed_s: number;
  /** In the order in which they ended. Ephemeral models have none. */
  readonly results: readonly NodeResult[];
}

const DEFAULT_THREADS = 4;

/**
 * Builds and tests the selected nodes of a project, each model in its own transaction. Failures of nodes are in
 * the results.
 * @throws DbtProjectError or Error when the layout or the selection is faulty; PostgreSQL's error when a schema
 * cannot be made
 */
export const buildProject = async (input: BuildInput): Promise<BuildResult> => {
  const { sql, project, threads = DEFAULT_THREADS, run_tests = true, log = silentLog } = input;
  const started_ms = performance.now();
  const layout = layOut(input);
  const chosen = new Set([...selectNodes(project, input.select)].filter((id) => run_tests || !project.tests.has(id)));
  await createSchemas(sql, schemasOf(project, chosen, layout));
  const runNode = createNodeRunner(input, layout);
  const results: NodeResult[] = [];
  await runGraph({
    parents: waitsFor(project, chosen),
    threads,
    run: async (id) => {
      const node = project.models.get(id) ?? project.tests.get(id)!;
      if (isEphemeral(node)) return 'done';
      const result = await runNode(node);
      results.push(result);
      const { status, rows_affected, failures, execution_time_s, message } = result;
      const level = isBlocking(result) ? 'error' : status === 'warn' ? 'warn' : 'debug';
      log[level]({ unique_id: id, status, rows_affected, failures, execution_time_s, reason: message }, 'dbt node');
      return isBlocking(result) ? 'blocked' : 'done';
    },
    skip: (id, because) => {
      const node = project.models.get(id) ?? project.tests.get(id)!;
      if (isEphemeral(node)) return;
      results.push(skipped(id, because, input.clock ?? systemClock));
      log.warn({ unique_id: id, because }, 'dbt node skipped');
    },
  });
  const elapsed_s = (performance.now() - started_ms) / 1_000;
  const result = { success: !results.some(isBlocking), elapsed_s, results };
  if (input.target_dir !== undefined) await writeArtifacts({ ...input, target_dir: input.target_dir, layout, result });
  return result;
};

const isEphemeral = (node: ProjectNode): boolean =>
  node.resource_type === 'model' && node.config.materialized === 'ephemeral';

const schemasOf = (project: Project, chosen: ReadonlySet<string>, layout: Layout): string[] =>
  [...chosen]
    .filter((id) => project.models.has(id))
    .map((id) => layout.get(id)?.schema ?? null)
    .filter((schema): schema is string => schema !== null);

/**
 * Nodes that each node waits for within this run: its inputs, and for a model also every test of its inputs, so that
 * nothing is built on faulty rows (dbt build does the same).
 */
const waitsFor = (project: Project, chosen: ReadonlySet<string>): Map<string, string[]> => {
  const parents = parentsOf(project);
  const tests = [...project.tests.values()].filter(({ unique_id }) => chosen.has(unique_id));
  return new Map(
    [...chosen].map((id): [string, string[]] => {
      const ancestors = ancestorsOf(id, parents);
      const reads = [...ancestors].filter((ancestor) => chosen.has(ancestor));
      if (project.tests.has(id)) return [id, reads];
      const before = tests.filter(
        ({ depends_on }) => depends_on.length > 0 && depends_on.every((read) => ancestors.has(read)),
      );
      return [id, [...reads, ...before.map(({ unique_id }) => unique_id)]];
    }),
  );
};

type NodeOutcome = Pick<NodeResult, 'status' | 'rows_affected' | 'failures' | 'message'>;

const createNodeRunner = (
  input: BuildInput & RenderInput,
  layout: Layout,
): ((node: ProjectNode) => Promise<NodeResult>) => {
  const { sql, full_refresh = false, clock = systemClock } = input;
  return async (node) => {
    const started_ms = performance.now();
    const started_at = instantOf(clock.now());
    let compiled: Compiled | null = null;
    const run = async (): Promise<NodeOutcome> => {
      if (node.resource_type === 'test') {
        compiled = compileNode(node, { ...input, layout, is_incremental: false });
        return { rows_affected: null, ...(await runTest(sql, node, compiled)) };
      }
      const onCompiled = (made: Compiled): void => {
        compiled = made;
      };
      const { rows_affected } = await runModel(node, { ...input, sql, layout, full_refresh, onCompiled });
      return { status: 'success', rows_affected, failures: null, message: null };
    };
    const outcome = await run().catch(
      (error: unknown): NodeOutcome => ({
        status: 'error',
        rows_affected: null,
        failures: null,
        message: faultOf(error),
      }),
    );
    const made = compiled as Compiled | null;
    return {
      unique_id: node.unique_id,
      ...outcome,
      started_at,
      completed_at: instantOf(clock.now()),
      execution_time_s: (performance.now() - started_ms) / 1_000,
      compiled_sql: made?.sql ?? null,
      compiled_sha256: made?.sha256 ?? null,
    };
  };
};

const skipped = (unique_id: string, because: string, clock: Clock): NodeResult => {
  const now = instantOf(clock.now());
  return {
    unique_id,
    status: 'skipped',
    rows_affected: null,
    failures: null,
    started_at: now,
    completed_at: now,
    execution_time_s: 0,
    compiled_sql: null,
    compiled_sha256: null,
    message: `Skipped because of ${because}`,
  };
};
