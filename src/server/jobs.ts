import * as invoices from '../modules/billing/invoices.job.ts';
import * as performanceWindows from '../modules/deployments/performance-windows.job.ts';
import type { ModuleJob } from '../modules/job-context.ts';
import * as erasures from '../modules/privacy/erasures.job.ts';
import * as partitions from '../modules/retention/partitions.job.ts';
import * as retention from '../modules/retention/retention.job.ts';
import * as spend from '../modules/usage/spend.job.ts';
import * as pointInTime from '../modules/vault/point-in-time.job.ts';

/** Every job, in the order that one instant's jobs start. */
export const JOBS: readonly ModuleJob[] = [
  performanceWindows,
  spend,
  pointInTime,
  invoices,
  partitions,
  retention,
  erasures,
];
