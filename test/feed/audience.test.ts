import { beforeEach, expect, test } from 'vitest'
import { type Audience, type Listener, newAudience, type News } from '../../src/feed/audience.ts'
import type { FeedChange } from '../../src/feed/change.ts'

let audience: Audience
let heard: string[]

beforeEach(() => {
  audience = newAudience()
  heard = []
})

const place = { xid: 1n, id: '', index: 0 }

/** Says its name for each change it hears of. */
function add(name: string, wish: Partial<Listener> = {}): Listener {
  const listener: Listener = {
    ...{ endpointIds: null, statuses: null, withAttempts: false },
    hear: ({ changes }) => heard.push(...changes.map(() => name)),
    miss: () => heard.push(`${name} misses`),
    ...wish,
  }
  audience.add(listener)
  return listener
}

/** News of one change for each of these endpoints. */
function newsOf(...endpointIds: string[]): News {
  const changes = endpointIds.map((endpointId) => ({ delivery: { endpointId } }) as FeedChange)
  return { from: place, changes, upTo: place }
}

test('who watches one endpoint hears of it alone', () => {
  add('a', { endpointIds: ['a'] })
  add('b', { endpointIds: ['b'] })
  add('both', { endpointIds: ['a', 'b'] })
  audience.prepare()
  audience.tell(newsOf('a', 'a', 'c'))
  // Those of several endpoints look for themselves.
  expect(heard).toEqual(['both', 'both', 'both', 'a', 'a'])
})

test('who comes while news are made misses them, and says so', () => {
  add('early')
  audience.prepare()
  add('late', { withAttempts: true })
  audience.tell(newsOf('a'))
  expect(heard).toEqual(['late misses', 'early'])
  audience.prepare()
  audience.tell(newsOf('a'))
  expect(heard.slice(2)).toEqual(['early', 'late'])
})

test('what nobody wants is not asked for', () => {
  const failures = add('failures', { statuses: ['FAILED'] })
  expect(audience.prepare()).toEqual({ statuses: new Set(['FAILED']), attempts: false })
  const all = add('all', { withAttempts: true })
  expect(audience.prepare()).toEqual({ statuses: null, attempts: true })
  audience.delete(all)
  audience.delete(failures)
  expect(audience.isEmpty()).toBe(true)
})
