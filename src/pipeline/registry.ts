import type { Job } from './job.ts';
import * as erasures from './jobs/erasures.ts';
import * as invoices from './jobs/invoices.ts';
import * as partitions from './jobs/partitions.ts';
import * as performanceWindows from './jobs/performance-windows.ts';
import * as pointInTime from './jobs/point-in-time.ts';
import * as retention from './jobs/retention.ts';
import * as spend from './jobs/spend.ts';

/** Every job, in the order that one instant's jobs start. */
export const JOBS: readonly Job[] = [
  performanceWindows,
  spend,
  pointInTime,
  invoices,
  partitions,
  retention,
  erasures,
];
