/** Names of all jobs, in the order of `jobs.ts`, for help texts that must not load the jobs. */
export const JOB_NAMES = [
  'performance-windows',
  'spend',
  'point-in-time',
  'invoices',
  'partitions',
  'retention',
  'erasures',
] as const;
