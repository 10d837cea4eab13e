import type { JobDeps } from '../jobs/deps.ts';
import * as invoices from '../modules/billing/invoices.job.ts';
import * as performanceWindows from '../modules/deployments/performance-windows.job.ts';
import type { ModuleJob } from '../modules/job-context.ts';
import * as erasures from '../modules/privacy/erasures.job.ts';
import * as partitions from '../modules/retention/partitions.job.ts';
import * as retention from '../modules/retention/retention.job.ts';
import * as spend from '../modules/usage/spend.job.ts';
import * as pointInTime from '../modules/vault/point-in-time.job.ts';
import { PROJECT } from './paths.ts';

/** Every job, in the order of their start at the same instant. */
export const JOBS: readonly ModuleJob[] = [
  performanceWindows,
  spend,
  pointInTime,
  invoices,
  partitions,
  retention,
  erasures,
];

/** The product's jobs and its dbt project, for the given database and settings. */
export const createJobDeps = (given: Omit<JobDeps, 'jobs' | 'project_dir'>): JobDeps => ({
  ...given,
  jobs: JOBS,
  project_dir: PROJECT.dbt_project,
});
