import { z } from 'zod'
import type { EndpointCreation } from '../../control/endpoint-create.ts'
import { optional, readInput } from '../../control/input.ts'
import { AppError, invalidInput } from '../../errors.ts'
import { badRequest, isObject, parseJson } from '../body.ts'

const creation = z
  .object({
    url: text(),
    events: z.array(text(), wanted('a list of event types')),
    secret: optional(text()),
  })
  .catchall(z.undefined({ error: 'is not known here. Known: url, events, secret.' }))

/** Reads the body of a creation. What its values may be is decided where endpoints are created. */
export function readWebhookCreation(body: string): EndpointCreation {
  if (body.trim() === '') throw badRequest('Request body is empty; send a JSON object with "url".')
  const given = parseJson(body, 'Request body')
  if (!isObject(given)) throw badRequest('Request body must be a JSON object with "url".')
  const { url, events, secret } = readInput(creation, given)
  // Who comes by this API verifies what it documents, whatever else the workspace speaks.
  return { url, eventTypes: events, secret, wireFormat: 'TUTORFLOW' }
}

/** A refusal of an endpoint in this API's words: its `events` are `eventTypes` everywhere else. */
export function inWebhookWords(error: unknown): unknown {
  if (!(error instanceof AppError) || error.code !== 'INVALID_INPUT') return error
  const issues = error.issues.map(({ path: [first = '', ...rest], message }) => {
    return { path: [first === 'eventTypes' ? 'events' : first, ...rest], message }
  })
  return invalidInput(issues)
}

function text() {
  return z.string(wanted('a string'))
}

function wanted(what: string) {
  return {
    error: ({ input }: { readonly input?: unknown }) =>
      input === undefined ? 'is required.' : `must be ${what}, got ${kindOf(input)}.`,
  }
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'a list' : typeof value
}
