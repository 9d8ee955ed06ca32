import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { clockStepBackMsMax } from '../../src/limits.ts'
import {
  attemptUuid,
  newDeliveryUuid,
  newUuid,
  publicId,
  readAttemptUuid,
  readPublicId,
  uuidFloor,
  uuidOf,
  uuidTime,
} from '../../src/rules/id.ts'
import type { IdPrefix } from '../../src/rules/id.ts'

const startMs = Date.UTC(2026, 10, 22)
const anyUuid = fc.uuid({ version: 7 })
const anyPrefix = fc.constantFrom<IdPrefix[]>(
  ...(['ws', 'key', 'evtype', 'wh', 'evt', 'dlv', 'att', 'rpl', 'aud'] as const),
)

describe('public ids', () => {
  test('read back to the prefix and UUID they were made of', () => {
    fc.assert(
      fc.property(anyPrefix, anyUuid, (prefix, uuid) => {
        const text = publicId(prefix, uuid)
        expect(readPublicId(text)).toEqual({ prefix, uuid })
        expect(uuidOf(prefix, text)).toBe(uuid)
      }),
    )
  })

  test('are those of the TypeID specification', () => {
    expect(publicId('evt', '01890a5d-ac96-774b-bcce-b302099a8057')).toBe(
      'evt_01h455vb4pex5vsknk084sn02q',
    )
  })

  test('sort as their UUIDs do', () => {
    fc.assert(
      fc.property(anyUuid, anyUuid, (a, b) => {
        expect(publicId('dlv', a) < publicId('dlv', b)).toBe(a < b)
      }),
    )
  })

  test.each([
    ['another prefix', 'wh_01h455vb4pex5vsknk084sn02q'],
    ['an unknown prefix', 'user_01h455vb4pex5vsknk084sn02q'],
    ['no prefix', '01h455vb4pex5vsknk084sn02q'],
    ['an empty prefix', '_01h455vb4pex5vsknk084sn02q'],
    ['upper case', 'evt_01H455VB4PEX5VSKNK084SN02Q'],
    ['an upper-case prefix', 'EVT_01h455vb4pex5vsknk084sn02q'],
    ['a letter outside the alphabet', 'evt_01h455vb4pex5vsknk084sn02l'],
    ['more than 128 bits', 'evt_81h455vb4pex5vsknk084sn02q'],
    ['a character too few', 'evt_01h455vb4pex5vsknk084sn02'],
    ['a character too many', 'evt_01h455vb4pex5vsknk084sn02qq'],
    ['a space behind', 'evt_01h455vb4pex5vsknk084sn02q '],
    ['a UUID of version 4', publicId('evt', '2f4ad455-1e8e-4b6c-9f3a-7ebf4cf6f483')],
    ['a UUID of another variant', publicId('evt', '01890a5d-ac96-774b-1cce-b302099a8057')],
    ['a bare UUID', '01890a5d-ac96-774b-bcce-b302099a8057'],
    ['nothing', ''],
  ])('are not read from %s', (_, text) => {
    expect(uuidOf('evt', text)).toBeUndefined()
    expect(readPublicId(text)?.prefix).not.toBe('evt')
  })

  test('are not read from arbitrary text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(readPublicId(`evt_${text}`)).toBeUndefined()
      }),
    )
  })
})

describe('new ids', () => {
  test('rise strictly while the clock jumps within a minute', () => {
    const anyTimes = fc.array(fc.integer({ min: startMs, max: startMs + clockStepBackMsMax }))
    fc.assert(
      fc.property(anyTimes, fc.func(fc.boolean()), (times, isDelivery) => {
        const ids = times.map((ms) => (isDelivery(ms) ? newDeliveryUuid(ms) : newUuid(ms)))
        expect(ids).toEqual([...new Set(ids)].toSorted())
      }),
    )
  })

  test('rise strictly within one millisecond', () => {
    const ids = Array.from({ length: 20_000 }, () => newDeliveryUuid(startMs))
    expect(ids).toEqual([...new Set(ids)].toSorted())
  })

  test('are UUIDs of version 7 that carry the time', () => {
    const id = newUuid(startMs + 10 * clockStepBackMsMax)
    expect(id).toMatch(/^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/)
    expect(uuidTime(id)).toBe(startMs + 10 * clockStepBackMsMax)
  })

  test('follow a clock that is set back far', () => {
    newUuid(startMs + 20 * clockStepBackMsMax)
    expect(uuidTime(newUuid(startMs))).toBe(startMs)
  })

  test('start to count at random', () => {
    const countOf = (uuid: string) => uuid.slice(15, 23)
    newUuid(startMs + 2 * clockStepBackMsMax)
    const first = newUuid(startMs)
    newUuid(startMs + 2 * clockStepBackMsMax)
    const second = newUuid(startMs)
    expect(countOf(first)).not.toBe(countOf(second))
  })
})

describe('attempt ids', () => {
  const anyNumber = fc.integer({ min: 1, max: 4095 })

  test('hold their delivery and number', () => {
    fc.assert(
      fc.property(anyNumber, (number) => {
        const deliveryUuid = newDeliveryUuid(startMs)
        const uuid = attemptUuid(deliveryUuid, number)
        expect(readAttemptUuid(uuid)).toEqual({ deliveryUuid, number })
        expect(readPublicId(publicId('att', uuid))).toEqual({ prefix: 'att', uuid })
      }),
    )
  })

  test('sort by number, before the next delivery', () => {
    const deliveries = [newDeliveryUuid(startMs), newDeliveryUuid(startMs)]
    const ids = deliveries.flatMap((id) => [id, attemptUuid(id, 1), attemptUuid(id, 4095)])
    expect(ids.toSorted()).toEqual(ids)
  })

  test.each([0, -1, 4096, NaN])('are refused for number %d', (number) => {
    expect(() => attemptUuid(newDeliveryUuid(startMs), number)).toThrow(RangeError)
  })
})

test('the floor of a millisecond divides ids by time', () => {
  fc.assert(
    fc.property(anyUuid, (uuid) => {
      const ms = uuidTime(uuid)
      expect(uuidFloor(ms) <= uuid).toBe(true)
      expect(uuid < uuidFloor(ms + 1) || ms === 2 ** 48 - 1).toBe(true)
      expect(uuidTime(uuidFloor(ms))).toBe(ms)
    }),
  )
})

test('the floor of a time without ids is still a UUID', () => {
  expect(uuidFloor(Date.UTC(1960))).toBe('00000000-0000-7000-8000-000000000000')
  expect(uuidFloor(1e20)).toBe('ffffffff-ffff-7000-8000-000000000000')
})
