import { z } from 'zod'
import { invalidInput, type InputIssue } from '../errors.ts'
import { dayMs, deliverAtDaysMax, idempotencyKeyLengthMax } from '../limits.ts'
import type { NewEvent } from '../pipeline/stages.ts'
import { checkEventTypeName } from '../rules/event-match.ts'
import { checkPayloadText, serialisePayload } from '../rules/payload.ts'
import { checked, foreignId, optional, readInput } from './input.ts'

/** One event as a caller gives it. Exactly one of payload and payloadText. */
const event = z
  .object({
    eventType: checked(z.string(), checkEventTypeName),
    payload: z.unknown().optional(),
    payloadText: z.string().nullish(),
    idempotencyKey: optional(foreignId(idempotencyKeyLengthMax)),
    occurredAt: z.date().nullish(),
    deliverAt: z.date().nullish(),
  })
  .transform((given, context): NewEvent => {
    const read = readPayload(given)
    if ('message' in read) {
      context.addIssue({ code: 'custom', path: [read.field], message: read.message })
    }
    return {
      eventType: given.eventType,
      payloadText: 'text' in read ? read.text : '',
      idempotencyKey: given.idempotencyKey ?? null,
      occurredAt: given.occurredAt ?? null,
      deliverAt: given.deliverAt ?? null,
    }
  })

/** What a caller gives to publish one event. */
export type EventInput = z.input<typeof event>

type ReadPayload = { text: string } | { field: 'payload' | 'payloadText'; message: string }

function readPayload({ payload, payloadText }: EventInput): ReadPayload {
  const hasText = payloadText !== undefined && payloadText !== null
  const hasValue = payload !== undefined && payload !== null
  if (hasText === hasValue) {
    const message = hasText
      ? 'give either payload or payloadText, not both.'
      : 'is required: give payload, or payloadText to have it sent byte for byte.'
    return { field: 'payload', message }
  }
  if (hasText) {
    const message = checkPayloadText(payloadText)
    return message === undefined ? { text: payloadText } : { field: 'payloadText', message }
  }
  const serialised = serialisePayload(payload)
  return serialised.ok ? serialised : { field: 'payload', message: serialised.message }
}

/** The events of one publish, or every wrong field. Paths of a batch begin with `events`. */
export function readEventInputs(
  inputs: readonly EventInput[],
  { now, batch }: { now: Date; batch: boolean },
): NewEvent[] {
  const shape = batch ? z.object({ events: z.array(event) }) : event
  const read = readInput<{ events: NewEvent[] } | NewEvent>(
    shape,
    batch ? { events: inputs } : inputs[0],
  )
  const events = 'events' in read ? read.events : [read]
  const late = events.flatMap((entry, index) => lateIssue(entry, now, batch ? index : null))
  if (late.length > 0) throw invalidInput(late)
  return events
}

function lateIssue({ deliverAt }: NewEvent, now: Date, index: number | null): InputIssue[] {
  const latest = new Date(now.getTime() + deliverAtDaysMax * dayMs)
  if (deliverAt === null || deliverAt <= latest) return []
  const path = index === null ? ['deliverAt'] : ['events', String(index), 'deliverAt']
  return [{ path, message: `lies more than ${deliverAtDaysMax} days ahead.` }]
}
