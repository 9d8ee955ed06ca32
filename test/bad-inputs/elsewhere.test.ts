import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

/*
 * Bad inputs have ids: A envelope, B document, C keys and tenants, D domain, E sockets, and I for
 * what holds of all of them. Most are tested in this folder; here is where the others are.
 */

const elsewhere: Readonly<Record<string, readonly [file: string, title: string]>> = {
  A11: ['api/envelope', 'a body that never ends is refused once it is over'],
  B4: ['api/document', 'an unknown operation name is named'],
  C1: ['api/authentication', 'a request without a key is refused before it is executed'],
  C3: ['api/authentication', 'a key with a wrong checksum is refused without the database'],
  C4: ['api/authentication', 'unknown, revoked, expired and mistyped keys are answered alike'],
  C6: ['api/authentication', 'a missing scope is FORBIDDEN before the input is read'],
  C7: ['api/tenant-wall', '%s answers for another workspace as for nobody'],
  C9: ['api/tenant-wall', '%s answers for another workspace as for nobody'],
  C10: ['api/pages', 'a cursor of another workspace is refused'],
  C12: ['api/delivery-stream', 'a stream of a %s endpoint is refused'],
  C13: ['api/tenant-wall', 'nothing that a key can reach holds anything of another'],
  C15: ['api/rate-limit', 'a key may make its requests in a minute and no more'],
  D16: ['promises/p5-bytes-as-published', '%s sends what was published, byte for byte'],
  D28: ['api/endpoint-create', 'a workspace has at most its limit of endpoints'],
  D30: ['maintenance/replay', 'nothing is put on top of a slice that waits'],
  E1: ['api/websocket', 'a socket that does not say who it is gets closed'],
  E3: ['api/websocket', 'a socket with %s is closed as forbidden'],
  E4: ['api/websocket', 'saying who it is twice closes a socket'],
  E6: ['api/websocket', 'a message that is %s closes the socket'],
  E7: ['api/websocket', 'the same id twice closes a socket'],
  E9: ['api/websocket', 'a subscription with %s fails alone'],
  E10: ['api/websocket', 'only subscriptions are executed: %s is refused'],
  E12: ['api/websocket', 'a binary frame closes the socket'],
  E13: ['api/websocket', 'text that is no UTF-8 closes the socket'],
  E15: ['api/websocket', 'a key has a limited number of sockets'],
  E16: ['api/websocket', 'a message in ten thousand parts closes the socket'],
  E18: ['api/websocket', 'a socket from %s is refused'],
  E19: ['api/websocket', 'a socket from %s is refused'],
  E21: ['api/websocket', 'a client that vanishes without a word is let go'],
  E22: ['client', 'a service that ends and comes back is followed without a gap'],
  I1: ['support/victim', ''],
  I2: ['support/victim', ''],
  I3: ['support/victim', ''],
  I4: ['bad-inputs/memory', 'bad inputs leave nothing behind in memory'],
  I5: ['support/victim', ''],
}

/** As many as there are of each kind; some numbers were never given. */
const ids = {
  A: [1, 2, 4, 5, 7, 10, 11, 13, 14, 16, 17, 19, 20, 22, 23, 25],
  B: [1, 3, 4, 6, 7, 9, 10, 12, 13, 15, 16, 18, 19, 21, 22, 24],
  C: [1, 3, 4, 6, 7, 9, 10, 12, 13, 15],
  D: [1, 3, 4, 6, 7, 9, 10, 12, 13, 15, 16, 18, 19, 21, 22, 24, 25, 27, 28, 30, 31, 33],
  E: [1, 3, 4, 6, 7, 9, 10, 12, 13, 15, 16, 18, 19, 21, 22],
  I: [1, 2, 3, 4, 5],
}

const here = ['request', 'domain'].map((name) => textOf(`bad-inputs/${name}.test`)).join('\n')

test('every bad input is tested somewhere', () => {
  const all = Object.entries(ids).flatMap(([kind, numbers]) => numbers.map((n) => `${kind}${n}`))
  const untested = all.filter((id) => !isHere(id) && !isElsewhere(id))
  expect(untested).toEqual([])
})

function isHere(id: string): boolean {
  return new RegExp(`['\`]${id}[ :'\`]`).test(here)
}

function isElsewhere(id: string): boolean {
  const [file, title] = elsewhere[id] ?? []
  if (file === undefined) return false
  if (!title) return textOf(file).includes(`(${id})`)
  return textOf(`${file}.test`).includes(`'${title}'`)
}

function textOf(path: string): string {
  return readFileSync(`test/${path}.ts`, 'utf8')
}
