import { z } from 'zod'
import { invalidInput, type InputIssue } from '../errors.ts'
import { dayMs, deliverAtDaysMax, idempotencyKeyLengthMax } from '../limits.ts'
import type { NewEvent } from '../pipeline/stages.ts'
import { checkEventTypeName } from '../rules/event-match.ts'
import { checkPayloadText, serialisePayload } from '../rules/payload.ts'
import { checked, foreignId, issuesOf, optional } from './input.ts'

/** What of an event can be judged field by field. */
const fields = z.object({
  eventType: checked(z.string(), checkEventTypeName),
  idempotencyKey: optional(foreignId(idempotencyKeyLengthMax)),
  occurredAt: z.date().nullish(),
  deliverAt: z.date().nullish(),
})

/** What a caller gives to publish one event. Exactly one of payload and payloadText. */
export type EventInput = z.input<typeof fields> & {
  readonly payload?: unknown
  readonly payloadText?: string | null | undefined
}

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
  const issues: InputIssue[] = []
  const events = inputs.map((input, index) => {
    const read = readEvent(input, now)
    const place = batch ? ['events', String(index)] : []
    for (const { path, message } of read.issues) issues.push({ path: [...place, ...path], message })
    return read.event
  })
  if (issues.length > 0) throw invalidInput(issues)
  return events
}

type ReadEvent = { readonly event: NewEvent; readonly issues: readonly InputIssue[] }

/** With issues the event is of no use. */
function readEvent(input: EventInput, now: Date): ReadEvent {
  const read = fields.safeParse(input)
  const payload = readPayload(input)
  const event = {
    eventType: input.eventType,
    payloadText: 'text' in payload ? payload.text : '',
    idempotencyKey: read.data?.idempotencyKey ?? null,
    occurredAt: input.occurredAt ?? null,
    deliverAt: input.deliverAt ?? null,
  }
  const issues = [
    ...(read.success ? [] : issuesOf(read.error)),
    ...('message' in payload ? [{ path: [payload.field], message: payload.message }] : []),
    ...lateIssues(event, now),
  ]
  return { event, issues }
}

function lateIssues({ deliverAt }: NewEvent, now: Date): InputIssue[] {
  const latest = new Date(now.getTime() + deliverAtDaysMax * dayMs)
  if (deliverAt === null || deliverAt <= latest) return []
  return [{ path: ['deliverAt'], message: `lies more than ${deliverAtDaysMax} days ahead.` }]
}
