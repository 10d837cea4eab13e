import type { Job } from './job.ts';
import * as invoices from './jobs/invoices.ts';
import * as partitions from './jobs/partitions.ts';
import * as performanceWindows from './jobs/performance-windows.ts';
import * as spend from './jobs/spend.ts';

/** Every job, in the order that one instant's jobs start. */
export const JOBS: readonly Job[] = [performanceWindows, spend, invoices, partitions];
