import { type EntityManager, LockMode } from '@mikro-orm/postgresql'
import { type EventType, EventTypeEntity } from '../model/event-type.ts'
import { type Slice, sliced } from './slice.ts'

/** Event types by id, in no order. */
export async function findEventTypes(
  em: EntityManager,
  ids: readonly string[],
): Promise<EventType[]> {
  return em.find(EventTypeEntity, { id: { $in: [...ids] } }, { comments: 'findEventTypes' })
}

/** Event types by name, in no order; names that are in no catalogue are left out. */
export async function findEventTypesByName(
  em: EntityManager,
  names: readonly string[],
): Promise<EventType[]> {
  const where = { name: { $in: [...names] } }
  return em.find(EventTypeEntity, where, { comments: 'findEventTypesByName' })
}

/** One event type, locked until the commit. */
export async function lockEventType(em: EntityManager, name: string): Promise<EventType | null> {
  const options = { lockMode: LockMode.PESSIMISTIC_WRITE, comments: 'lockEventType' }
  return em.findOne(EventTypeEntity, { name }, options)
}

/** All names of the catalogue: at most `eventTypesMax`. */
export async function listEventTypeNames(em: EntityManager): Promise<string[]> {
  const rows = await em.execute<{ name: string }[]>(
    '/* listEventTypeNames */ select name from event_type order by name',
  )
  return rows.map(({ name }) => name)
}

/** Which event types: without those of this prefix where one is given. */
export type EventTypeCondition = { readonly hiddenPrefix: string | null }

/** A part of the catalogue. */
export async function listEventTypes(
  em: EntityManager,
  condition: EventTypeCondition,
  slice: Slice,
): Promise<EventType[]> {
  const { where, options } = sliced(slice)
  const comments = 'listEventTypes'
  return em.find(EventTypeEntity, { ...shown(condition), ...where }, { ...options, comments })
}

/** How many event types the catalogue has. */
export async function countEventTypes(
  em: EntityManager,
  condition: EventTypeCondition,
): Promise<number> {
  return em.count(EventTypeEntity, shown(condition), { comments: 'countEventTypes' })
}

function shown({ hiddenPrefix }: EventTypeCondition) {
  return hiddenPrefix === null ? {} : { $not: { name: { $like: `${hiddenPrefix}%` } } }
}

/**
 * Says that the catalogue changed: publishing reads it again. It also locks the catalogue until
 * the commit, so that two changes cannot pass the limit together.
 */
export async function raiseCatalogueVersion(em: EntityManager): Promise<void> {
  await em.execute('/* raiseCatalogueVersion */ update catalogue set version = version + 1')
}
