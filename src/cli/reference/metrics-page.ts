import type { MetricObjectWithValues, Registry as MetricsRegistry, MetricValue } from 'prom-client';
import { code, pageHead, table } from './markdown.ts';

const INTRO = `\`GET /metrics\` in Prometheus' text format. The process metrics of Node (\`process_…\`, \`nodejs_…\`) are there too.`;

/** docs/reference/metrics.md, of all metrics that are registered. */
export const metricsPage = (metrics: MetricsRegistry): string => {
  const rows = metrics
    .getMetricsAsArray()
    .map((metric) => metric as unknown as MetricObjectWithValues<MetricValue<string>> & { labelNames?: string[] })
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, type, help, labelNames = [] }) => [code(name), String(type), labelNames.map(code).join(', '), help]);
  return `${pageHead('the registered metrics', 'Metrics', INTRO)}\n${table(['metric', 'type', 'labels', 'meaning'], rows)}`;
};
