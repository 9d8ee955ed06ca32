import { publicId } from '../rules/id.ts'
import type { DueDelivery } from '../store/due.ts'
import type { Span, SpanEnd, SpanStart } from '../tracing/tracer.ts'
import type { LaneEndpoint, Sent } from './stages.ts'

/** The span of one attempt, part of the one that published its event. */
export function attemptSpan(endpoint: LaneEndpoint, due: DueDelivery, startedAt: Date): SpanStart {
  return {
    ...{ name: 'attempt', kind: 'CLIENT', parent: due.event.traceparent, startedAt },
    attributes: {
      'http.request.method': 'POST',
      'server.address': endpoint.host,
      'postrider.workspace.id': publicId('ws', due.workspaceId),
      'postrider.endpoint.id': publicId('wh', due.endpointId),
      'postrider.event.id': publicId('evt', due.eventId),
      'postrider.event.type': due.event.eventType,
      'postrider.delivery.id': publicId('dlv', due.deliveryId),
      'postrider.attempt.number': due.attemptCount + 1,
      // How long it waited for its lane.
      'postrider.lane.wait_ms': Math.max(0, startedAt.getTime() - dueAtMs(due)),
    },
  }
}

function dueAtMs({ heldUntil, dueAt }: DueDelivery): number {
  return (heldUntil ?? dueAt).getTime()
}

/** Ends it with what came back. */
export function endAttemptSpan(span: Span, { startedAt, outcome }: Sent): void {
  const { result, answer, durationMs, errorMessage } = outcome
  const statusCode = answer && { 'http.response.status_code': answer.statusCode }
  const end: SpanEnd = {
    endedAt: new Date(startedAt.getTime() + durationMs),
    attributes: {
      'postrider.attempt.result': result,
      ...statusCode,
      ...(errorMessage !== null && { 'error.type': result }),
    },
    error: errorMessage,
  }
  span.end(end)
}
