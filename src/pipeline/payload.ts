import type { DueEvent } from '../store/due.ts'

/**
 * A payload's bytes, as long as its event is in memory: a hundred deliveries of an event, signed
 * and sent, encode its text once.
 */
const bytes = new WeakMap<DueEvent, Buffer>()

/** What is sent of an event; null: retention has removed it, or somebody its payload. */
export function payloadOf(event: DueEvent): Buffer | null {
  if (event.payloadText === null) return null
  const known = bytes.get(event)
  if (known) return known
  const made = Buffer.from(event.payloadText)
  bytes.set(event, made)
  return made
}
