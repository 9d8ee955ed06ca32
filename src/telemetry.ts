import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'

/** The figures of one process, as `/metrics` shows them. */
export type Telemetry = ReturnType<typeof createTelemetry>

/** All at zero. Beside our own there are those of Node and of the process. */
export function createTelemetry() {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  return {
    registry,
    published: new Counter({
      name: 'postrider_events_published_total',
      help: 'Events accepted.',
      registers,
    }),
    deliveriesCreated: new Counter({
      name: 'postrider_deliveries_created_total',
      help: 'Deliveries created by publishing, suppressed ones included.',
      registers,
    }),
    attempts: new Counter({
      name: 'postrider_attempts_total',
      help: 'Attempts recorded, by result.',
      labelNames: ['result'] as const,
      registers,
    }),
    attemptSeconds: new Histogram({
      name: 'postrider_attempt_duration_seconds',
      help: 'Duration of a whole exchange with a receiver.',
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
      registers,
    }),
    resultsRefused: new Counter({
      name: 'postrider_results_refused_total',
      help: 'Results that came after their delivery had gone on without them.',
      registers,
    }),
    inFlight: new Gauge({
      name: 'postrider_requests_in_flight',
      help: 'Requests to receivers that have no answer yet.',
      registers,
    }),
    lanes: new Gauge({
      name: 'postrider_lanes',
      help: 'Lanes this process owns.',
      registers,
    }),
    dueDeliveries: new Gauge({
      name: 'postrider_due_deliveries',
      help: 'Deliveries that wait for an attempt, in the whole database (estimate).',
      registers,
    }),
    feedLagSeconds: new Gauge({
      name: 'postrider_feed_lag_seconds',
      help: 'For how long one transaction has kept committed changes from subscribers.',
      registers,
    }),
  }
}
