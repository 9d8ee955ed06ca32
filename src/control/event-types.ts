import { z } from 'zod'
import { AppError, type InputIssue, invalidInput, notFound } from '../errors.ts'
import {
  descriptionLengthMax,
  eventTypeJsonBytesMax,
  eventTypesMax,
  jsonDepthMax,
} from '../limits.ts'
import { type EventType, EventTypeEntity, eventTypeStatusNames } from '../model/event-type.ts'
import { checkEventTypeName } from '../rules/event-match.ts'
import { type Facts, factsChange } from '../rules/facts.ts'
import { newUuid } from '../rules/id.ts'
import { checkJsonValue } from '../rules/json-value.ts'
import { isOperational, operationalPrefix } from '../rules/operational-event.ts'
import { compilePayloadSchema } from '../rules/payload-schema.ts'
import { violates } from '../store/conflict.ts'
import { countEventTypes, lockEventType, raiseCatalogueVersion } from '../store/event-type.ts'
import { noteChange } from './audit.ts'
import { changed, checked, clearable, freeText, givenOf, optional, readInput } from './input.ts'
import type { ControlPorts } from './ports.ts'

const name = checked(z.string(), checkEventTypeName)
const description = freeText(descriptionLengthMax, 'MANY_LINES')
const status = z.enum(eventTypeStatusNames)
const schema = checked(z.unknown(), checkSchema)
const example = checked(z.unknown(), checkExample)

const creation = z.object({
  name,
  description: optional(description),
  status: optional(status),
  schema: optional(schema),
  example: optional(example),
})

/** What a new event type is made of. */
export type EventTypeCreation = z.input<typeof creation>

/** Adds an event type to the catalogue. */
export async function createEventType(
  ports: ControlPorts,
  input: EventTypeCreation,
): Promise<EventType> {
  const wanted = readInput(creation, input)
  refuseOperational(wanted.name)
  const createdAt = ports.clock.now()
  const creating = ports.database.orm.em.fork().transactional(async (em) => {
    await raiseCatalogueVersion(em)
    if ((await countEventTypes(em, { hiddenPrefix: null })) >= eventTypesMax) throw catalogueFull()
    const eventType = em.create(EventTypeEntity, {
      id: newUuid(createdAt.getTime()),
      name: wanted.name,
      description: wanted.description ?? null,
      status: wanted.status ?? 'ACTIVE',
      schema: wanted.schema ?? null,
      example: wanted.example ?? null,
      createdAt,
      updatedAt: createdAt,
    })
    requireFit(eventType)
    const target = { workspaceId: null, targetId: eventType.id }
    const after = eventTypeFacts(eventType)
    noteChange(ports, em, { action: 'EVENT_TYPE_CREATED', ...target, before: null, after })
    return eventType
  })
  return creating.catch((error: unknown) => {
    if (!violates(error, 'event_type_name_key')) throw error
    const message = `name: "${wanted.name}" is in the catalogue already.`
    throw new AppError('CONFLICT', message, { cause: error })
  })
}

const update = z.object({
  description: clearable(description),
  status: changed(status),
  schema: clearable(schema),
  example: clearable(example),
})

/** What can be changed of an event type. */
export type EventTypeUpdate = z.input<typeof update>

/**
 * Changes an event type. Events that were published stay as they are; a new schema holds from the
 * next publish on.
 */
export async function updateEventType(
  ports: ControlPorts,
  eventTypeName: string,
  input: EventTypeUpdate,
): Promise<EventType> {
  const wanted = givenOf(readInput(update, input))
  refuseOperational(eventTypeName)
  return ports.database.orm.em.fork().transactional(async (em) => {
    const eventType = await lockEventType(em, eventTypeName)
    if (!eventType) throw notFound('Event type')
    const before = eventTypeFacts(eventType)
    em.assign(eventType, { ...wanted, updatedAt: ports.clock.now() })
    requireFit(eventType)
    await raiseCatalogueVersion(em)
    const changes = factsChange(before, eventTypeFacts(eventType))
    const target = { workspaceId: null, targetId: eventType.id }
    if (changes) noteChange(ports, em, { action: 'EVENT_TYPE_UPDATED', ...target, ...changes })
    return eventType
  })
}

function eventTypeFacts({ name, description, status, schema, example }: EventType): Facts {
  const [text, shape, sample] = [description ?? null, schema ?? null, example ?? null]
  return { name, description: text, status, schema: shape, example: sample }
}

/** Its own types are part of the program: they say what it really sends. */
function refuseOperational(eventTypeName: string): void {
  if (!isOperational(eventTypeName)) return
  const message = `begins with "${operationalPrefix}": these names are the program's own.`
  throw invalidInput([{ path: ['name'], message }])
}

/** An example is what a ping of this type sends: one that would be refused helps nobody. */
function requireFit({ schema, example }: Pick<EventType, 'schema' | 'example'>): void {
  if (schema === null || schema === undefined || example === null || example === undefined) return
  const compiled = compilePayloadSchema(schema)
  const problem = compiled.ok ? compiled.check(example) : compiled.message
  if (problem === undefined) return
  throw invalidInput([{ path: ['example'], message: `does not fit the schema: ${problem}.` }])
}

function checkSchema(value: unknown): string | undefined {
  if (value === null || value === undefined) return undefined
  const compiled = compilePayloadSchema(value)
  return compiled.ok ? undefined : compiled.message
}

function checkExample(value: unknown): string | undefined {
  if (value === null || value === undefined) return undefined
  const problem = checkJsonValue(value, { depthMax: jsonDepthMax })
  if (problem !== undefined) return problem
  const bytes = Buffer.byteLength(JSON.stringify(value))
  return bytes > eventTypeJsonBytesMax
    ? `${bytes} bytes, limit ${eventTypeJsonBytesMax}.`
    : undefined
}

function catalogueFull(): AppError {
  const issue: InputIssue = {
    path: [],
    message: `The catalogue has ${eventTypesMax} event types, the limit.`,
  }
  return invalidInput([issue])
}
