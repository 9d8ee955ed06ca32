import { z } from 'zod'
import type { EndpointCreation, SomeOfCreation } from '../../control/endpoint-creation.ts'
import { issuesOf, optional } from '../../control/input.ts'
import { AppError, type InputIssue, invalidInput } from '../../errors.ts'
import { badRequest, isObject, parseJson } from '../body.ts'

/** Who comes by this API verifies what it documents, whatever else the workspace speaks. */
const wireFormat = 'TUTORFLOW'

const creation = z
  .object({
    url: text(),
    events: z.array(text(), wanted('a list of event types')),
    secret: optional(text()),
  })
  .catchall(z.undefined({ error: 'is not known here. Known: url, events, secret.' }))

/** A body as an endpoint to create, or what is wrong with it beside the fields that are well. */
export type WebhookCreation =
  | { readonly ok: true; readonly given: EndpointCreation }
  | {
      readonly ok: false
      readonly given: SomeOfCreation
      readonly before: readonly InputIssue[]
    }

/** Reads the body of a creation. What its values may be is decided where endpoints are created. */
export function readWebhookCreation(body: string): WebhookCreation {
  if (body.trim() === '') throw badRequest('Request body is empty; send a JSON object with "url".')
  const given = parseJson(body, 'Request body')
  if (!isObject(given)) throw badRequest('Request body must be a JSON object with "url".')
  const read = creation.safeParse(given)
  if (read.success) {
    const { events, ...rest } = read.data
    return { ok: true, given: { ...rest, eventTypes: events, wireFormat } }
  }
  const before = issuesOf(read.error)
  const wrong = new Set(before.map(({ path }) => path[0]))
  const well = Object.entries(given).filter(([field]) => !wrong.has(field))
  const { events, ...rest } = creation.partial().parse(Object.fromEntries(well))
  return {
    ok: false,
    given: { ...rest, eventTypes: events, wireFormat },
    before,
  }
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
