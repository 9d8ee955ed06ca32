import { z } from 'zod'
import type { TracingConfig } from './tracer.ts'

const url = z.url({ protocol: /^https?$/, error: 'must be a URL that begins with http' }).optional()

const samplers = [
  ...(['always_on', 'always_off', 'traceidratio'] as const),
  ...(['parentbased_always_on', 'parentbased_always_off', 'parentbased_traceidratio'] as const),
]

const share = 'must be a number from 0 to 1'

/**
 * The standard variables of OpenTelemetry that turn tracing on. The exporter reads those for
 * headers, certificates and compression by itself.
 */
export const tracingVariables = {
  OTEL_EXPORTER_OTLP_ENDPOINT: url,
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: url,
  OTEL_SERVICE_NAME: z.string().default('postrider'),
  OTEL_TRACES_SAMPLER: z
    .enum(samplers, `must be one of ${samplers.join(', ')}`)
    .default('parentbased_always_on'),
  OTEL_TRACES_SAMPLER_ARG: z.coerce.number(share).min(0, share).max(1, share).default(1),
  OTEL_SDK_DISABLED: z.string().default('false'),
}

type Given = z.output<z.ZodObject<typeof tracingVariables>>

/** Where traces go; null where no endpoint says so. */
export function tracingOf(given: Given): TracingConfig | null {
  const target = given.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? tracesOf(given)
  if (target === undefined || given.OTEL_SDK_DISABLED.toLowerCase() === 'true') return null
  const sampler = given.OTEL_TRACES_SAMPLER
  return {
    url: target,
    serviceName: given.OTEL_SERVICE_NAME,
    ratio: ratioOf(sampler, given.OTEL_TRACES_SAMPLER_ARG),
    followsParent: sampler.startsWith('parentbased_'),
  }
}

/** The path of traces below the endpoint for everything. */
function tracesOf({ OTEL_EXPORTER_OTLP_ENDPOINT: base }: Given): string | undefined {
  return base === undefined ? undefined : `${base.replace(/\/$/, '')}/v1/traces`
}

function ratioOf(sampler: (typeof samplers)[number], ratio: number): number {
  if (sampler.endsWith('always_on')) return 1
  return sampler.endsWith('always_off') ? 0 : ratio
}
