import { expect, test } from 'vitest'
import { newTallies } from '../../src/api/minute-tally.ts'

test('what is spare in a minute is not for the next', () => {
  const tallies = newTallies({ now: () => new Date('2026-03-19T10:00:59.990Z') })
  const claim = { keyId: 'k', requests: 10, asking: 1, limit: 1000 }
  const minutes = ['2026-03-19T10:00:00Z', '2026-03-19T10:01:00Z'].map((text) => new Date(text))
  for (const minute of minutes) tallies.add(claim, { keyId: 'k', minute, used: 10 })

  const { minuteMs, used, spare } = tallies.of('k')

  expect({ minuteMs, used, spare }).toEqual({
    ...{ minuteMs: Date.parse('2026-03-19T10:01:00Z') },
    ...{ used: 10, spare: 9 },
  })
})
