import { Registry as MetricsRegistry } from 'prom-client';
import { systemClock } from '../core/clock.ts';
import { createLog } from '../core/log.ts';
import { createGatewayMetrics } from '../gateway/metrics.ts';
import { registerAuditMetrics } from './audit-metrics.ts';
import { registerJobMetrics } from './job-status.ts';
import { registerJournalMetrics } from './journal-metrics.ts';
import { registerLoadMetrics } from './load-metrics.ts';
import { registerRuleMetrics } from './rule-status.ts';

/** The product's metrics, registered but never read, for their names, labels and help. */
export const listMetrics = (): MetricsRegistry => {
  const metrics = new MetricsRegistry();
  const unread = (): never => {
    throw new Error('these metrics are listed, not read');
  };
  const unconnected = Object.assign(unread, {}) as never;
  const log = createLog('silent', 'metrics');
  createGatewayMetrics(metrics);
  registerAuditMetrics({ metrics, sql: unconnected, clock: systemClock, log, stopped_path: '' });
  registerJournalMetrics(metrics, unread);
  registerLoadMetrics({ metrics, sql: unconnected, log });
  registerJobMetrics({ metrics, sql: unconnected, log });
  registerRuleMetrics(metrics, unread);
  return metrics;
};
