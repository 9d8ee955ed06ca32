import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, TraceFlags } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources'
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace'
import { tracesFlushMsMax, tracesQueueMax } from '../limits.ts'
import { readTraceparent, writeTraceparent } from '../rules/traceparent.ts'
import { version } from '../version.ts'
import type { Span, SpanStart, Tracer, TracingConfig } from './tracer.ts'

/**
 * Sends spans in batches, beside all else: a collector that is slow or away costs spans, and
 * nothing of a delivery. Loaded only where tracing is on: the SDK takes
 * 170 ms of a processor and 26 MB.
 */
export function openOtlpTracer(config: TracingConfig): Tracer {
  const { url, serviceName } = config
  const exporter = new OTLPTraceExporter({ url, timeoutMillis: tracesFlushMsMax })
  const processor = new BatchSpanProcessor({
    exporter,
    maxQueueSize: tracesQueueMax,
    exportTimeoutMillis: tracesFlushMsMax,
  })
  const named = { 'service.name': serviceName, 'service.version': version }
  const provider = new TracerProvider({
    resource: detectResources({ detectors: [envDetector] }).merge(resourceFromAttributes(named)),
    sampler: samplerOf(config),
    spanProcessors: [processor],
  })
  const tracer = provider.getTracer('postrider', version)
  return {
    start: ({ name, kind, attributes, startedAt, ...start }): Span => {
      const options = { kind: SpanKind[kind], attributes, startTime: startedAt }
      const span = tracer.startSpan(name, options, contextOf(start))
      const { traceId, spanId, traceFlags } = span.spanContext()
      const isSampled = (traceFlags & TraceFlags.SAMPLED) !== 0
      return {
        traceparent: writeTraceparent({ traceId, spanId, isSampled }),
        end: (end) => {
          span.setAttributes(end.attributes)
          if (end.error !== null) {
            span.setStatus({ code: SpanStatusCode.ERROR, message: end.error })
          }
          span.end(end.endedAt)
        },
      }
    },
    // What cannot be sent by now is lost; the program ends all the same.
    [Symbol.asyncDispose]: () => provider.shutdown().catch(() => {}),
  }
}

function samplerOf({ ratio, followsParent }: TracingConfig) {
  const root = new TraceIdRatioBasedSampler(ratio)
  return followsParent ? new ParentBasedSampler({ root }) : root
}

function contextOf({ parent }: Pick<SpanStart, 'parent'>) {
  const place = parent === null ? undefined : readTraceparent(parent)
  if (!place) return ROOT_CONTEXT
  const { traceId, spanId, isSampled } = place
  const traceFlags = isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags, isRemote: true })
}
