import { invalidInput } from '../../errors.ts'
import { uuidOf } from '../../rules/id.ts'
import type { DeliveryFilter } from '../../store/delivery-filter.ts'
import { builder } from './builder.ts'
import { DateTimeRangeInput, readDateTimeRange } from './date-time-range.ts'
import { AttemptResultEnum, DeliveryStatusEnum, DeliveryTriggerEnum } from './delivery-enums.ts'

const IntRangeInput = builder.inputType('IntRange', {
  description: 'From one whole number to another. An end that is left out is open.',
  fields: (t) => ({
    min: t.int({ description: 'The smallest that is in it.' }),
    max: t.int({ description: 'The largest that is in it.' }),
  }),
})

/** Which deliveries. */
export const DeliveryFilterInput = builder.inputType('DeliveryFilter', {
  description:
    'Which deliveries. All conditions that are given hold together. An empty list fits nothing, ' +
    'and an id that names nothing of this workspace fits nothing.',
  fields: (t) => ({
    endpointIds: t.idList({ description: 'To one of these endpoints.' }),
    eventId: t.id({ description: 'Of this event.' }),
    eventTypes: t.stringList({ description: 'Of an event of one of these types, by exact name.' }),
    statuses: t.field({ type: [DeliveryStatusEnum], description: 'In one of these states.' }),
    triggers: t.field({ type: [DeliveryTriggerEnum], description: 'For one of these reasons.' }),
    lastResults: t.field({
      type: [AttemptResultEnum],
      description: 'Whose last attempt ended in one of these ways.',
    }),
    lastStatusCode: t.field({
      type: IntRangeInput,
      description: 'Whose last attempt was answered with a status in this range.',
    }),
    createdAt: t.field({ type: DateTimeRangeInput, description: 'Created in this time.' }),
  }),
})

/** A filter as given. */
export type GivenDeliveryFilter = typeof DeliveryFilterInput.$inferInput

/** A filter for the log, or a refusal of one with an empty range in it. */
export function readDeliveryFilter(given: GivenDeliveryFilter | null | undefined): DeliveryFilter {
  const { since, until } = readDateTimeRange(given?.createdAt, ['filter', 'createdAt'])
  const { min, max } = readIntRange(given?.lastStatusCode, ['filter', 'lastStatusCode'])
  const eventId = given?.eventId ?? null
  return {
    endpointIds: given?.endpointIds ? uuidsOf(given.endpointIds) : null,
    eventId: eventId === null ? null : (uuidOf('evt', eventId) ?? noSuchId),
    eventTypes: given?.eventTypes ?? null,
    statuses: given?.statuses ?? null,
    triggers: given?.triggers ?? null,
    lastResults: given?.lastResults ?? null,
    lastStatusCodeMin: min,
    lastStatusCodeMax: max,
    createdSince: since,
    createdUntil: until,
  }
}

/** Names nothing, as a malformed id does. */
const noSuchId = '00000000-0000-0000-0000-000000000000'

function uuidsOf(ids: readonly string[]): string[] {
  return ids.flatMap((id) => uuidOf('wh', id) ?? [])
}

function readIntRange(
  range: typeof IntRangeInput.$inferInput | null | undefined,
  path: readonly string[],
) {
  const min = range?.min ?? null
  const max = range?.max ?? null
  if (min !== null && max !== null && min > max) {
    throw invalidInput([{ path, message: '"min" must not be above "max".' }])
  }
  return { min, max }
}
