import type { CheckpointPoint, Evidence, LogCoverage } from '../evidence-block.ts';

/** The evidence as names and texts, in the order that people read it. People fill in empty texts by hand. */
export const evidenceLines = (evidence: Evidence): [string, string][] => [
  ['Report', `${evidence.report} (${evidence.title})`],
  ['Report id', evidence.report_id],
  ['Regulation', `${evidence.regulation}, ${evidence.articles.join(', ')}`],
  ['Purpose', evidence.purpose],
  ['Tenant', evidence.tenant],
  ['Customer', evidence.customer],
  ['Period', `${evidence.period.from} to ${evidence.period.to}, the end excluded`],
  ['Known at', evidence.known_at],
  ['Requested by', evidence.requested_by],
  ['Generator', `${evidence.generator} ${evidence.code_version}`],
  ['SHA-256 of the SQL', evidence.sql_sha256],
  ...evidence.sources.map(({ source_table, row_count, control_sum }): [string, string] => [
    'Source',
    `${source_table}: ${row_count} rows, control sum ${control_sum}`,
  ]),
  ...evidence.journal.map(({ writer, expected, found, gaps }): [string, string] => [
    'Journal',
    `writer ${writer}: ${expected} records expected, ${found} found, gaps: ${gaps.length === 0 ? 'none' : gaps.join(', ')}`,
  ]),
  ...logLines(evidence.audit_log),
  ...(evidence.exceptions.length === 0 ? ['none'] : evidence.exceptions).map((text): [string, string] => [
    'Exception',
    text,
  ]),
  ['Retention', evidence.retention_class],
  ['Reviewer', evidence.reviewer],
  ['Reviewed at', evidence.reviewed_at],
  ['Sign-off', evidence.sign_off],
];

const logLines = (log: LogCoverage): [string, string][] => [
  ['Audit log, before', pointText(log.checkpoint_before)],
  ['Audit log, up to', pointText(log.checkpoint)],
  [
    'Audit log, calls',
    `${log.leaves === null ? 'no leaves' : `leaves ${log.leaves.from} to ${log.leaves.to - 1}`}, ` +
      `batches not covered: ${log.batches_not_covered}`,
  ],
];

const pointText = (point: CheckpointPoint | null): string =>
  point === null
    ? 'no checkpoint'
    : `${point.origin}, ${point.tree_size} leaves, root ${point.root_hash}, ${point.checkpoint_at}`;
