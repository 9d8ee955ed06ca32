import { serverAudits } from 'graphql-http'
import { expect, test } from 'vitest'
import { openBundle } from '../support/bundle.ts'

test('answers as the GraphQL over HTTP specification has it', async () => {
  await using bundle = await openBundle()
  const authorization = `Bearer ${bundle.adminKey}`
  const audits = serverAudits({
    url: `${bundle.url}/graphql`,
    fetchFn: (input: string, init: RequestInit = {}) => {
      const headers = new Headers(init.headers)
      headers.set('authorization', authorization)
      return fetch(input, { ...init, headers })
    },
  })

  const results = await Promise.all(audits.map((audit) => audit.fn()))

  const failed = results.flatMap((result) => {
    return result.status === 'ok' ? [] : [`${result.status} ${result.name}: ${result.reason}`]
  })
  expect(results).toHaveLength(61)
  expect(failed).toEqual([])
})
