import type { Clock } from '../clock.ts'
import { publicId } from '../rules/id.ts'
import type { Tracer } from '../tracing/tracer.ts'
import type { PublishedEvent, PublishRequest } from './stages.ts'

type Publish = (request: PublishRequest) => Promise<readonly PublishedEvent[]>

/**
 * The same, with a span around it that is part of the caller's, and that every attempt of its
 * deliveries is part of, whenever and wherever that is made. Without a tracer nothing is kept of
 * the caller's.
 */
export function tracedPublish(
  { tracer, clock }: { readonly tracer: Tracer | null; readonly clock: Clock },
  publish: Publish,
): Publish {
  if (tracer === null) return (request) => publish({ ...request, traceparent: null })
  return async (request) => {
    const { events, workspaceId, traceparent: parent } = request
    const span = tracer.start({
      ...{ name: 'publish', kind: 'PRODUCER', parent, startedAt: clock.now() },
      attributes: {
        'messaging.system': 'postrider',
        'messaging.operation.name': 'publish',
        'messaging.batch.message_count': events.length,
        'postrider.workspace.id': publicId('ws', workspaceId),
        ...(events.length === 1 && { 'postrider.event.type': events[0]?.eventType ?? '' }),
      },
    })
    const end = (attributes: Record<string, string | number>, error: string | null) => {
      span.end({ endedAt: clock.now(), attributes, error })
    }
    try {
      const published = await publish({ ...request, traceparent: span.traceparent })
      end(outcomeOf(published), null)
      return published
    } catch (error) {
      // The words of a refusal may repeat what was published; its kind does not.
      end({}, error instanceof Error ? error.name : 'failed')
      throw error
    }
  }
}

function outcomeOf(published: readonly PublishedEvent[]): Record<string, string | number> {
  const deliveries = published.reduce((sum, { deliveryCount }) => sum + deliveryCount, 0)
  const [first] = published
  const isOne = published.length === 1 && first !== undefined
  return {
    'postrider.deliveries': deliveries,
    ...(isOne && { 'postrider.event.id': publicId('evt', first.eventId) }),
  }
}
