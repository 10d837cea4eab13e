import { Counter, Gauge, Histogram, type Registry as MetricsRegistry } from 'prom-client';
import type { Rating } from '../pricing/rating.ts';
import type { Call } from './call.ts';

/** Prometheus metrics of the data plane. */
export interface GatewayMetrics {
  countCall(call: Call, rating: Rating, http_status: number, now_ms: number): void;
  /** Counts a call that was refused without a record because the gateway is overloaded. */
  countOverload(): void;
  setInFlight(calls: number): void;
}

const LATENCY_BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

export const createGatewayMetrics = (metrics: MetricsRegistry): GatewayMetrics => {
  const registers = [metrics];
  const calls = new Counter({
    name: 'onevault_calls_total',
    help: 'Calls that ended, by endpoint, provider, HTTP status and error code.',
    labelNames: ['endpoint', 'provider', 'status', 'error'],
    registers,
  });
  const latency = new Histogram({
    name: 'onevault_call_duration_seconds',
    help: 'Time from the request to the end of the client response, including the provider.',
    labelNames: ['endpoint'],
    buckets: LATENCY_BUCKETS_S,
    registers,
  });
  const unpriced = new Counter({
    name: 'onevault_calls_unpriced_total',
    help: 'Calls that used a model without a price.',
    registers,
  });
  const overload = new Counter({
    name: 'onevault_calls_overloaded_total',
    help: 'Calls refused at the limit of calls in flight.',
    registers,
  });
  const in_flight = new Gauge({ name: 'onevault_calls_in_flight', help: 'Calls in flight.', registers });
  return {
    countCall: (call, rating, http_status, now_ms) => {
      const { endpoint } = call.protocol;
      const provider = call.chosen?.deployment.provider ?? 'none';
      calls.inc({ endpoint, provider, status: http_status, error: call.error?.code ?? 'none' });
      latency.observe({ endpoint }, (now_ms - call.received_ms) / 1_000);
      if (rating.rating === 'UNPRICED') unpriced.inc();
    },
    countOverload: () => overload.inc(),
    setInFlight: (count) => in_flight.set(count),
  };
};
