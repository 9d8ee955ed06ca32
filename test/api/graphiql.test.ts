import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import {
  coerceInputValue,
  type GraphQLInputType,
  Kind,
  parse,
  typeFromAST,
  validate,
} from 'graphql'
import { expect, test } from 'vitest'
import { graphiqlPage } from '../../src/api/graphql/graphiql-page.ts'
import { graphiqlTabs } from '../../src/api/graphql/graphiql-tabs.ts'
import { schema } from '../../src/api/graphql/schema.ts'
import type { Route } from '../../src/api/http.ts'
import { serveRoutes } from '../support/served.ts'

const tabs = graphiqlTabs('http://127.0.0.1:4000')

test.each(tabs.map(({ query, variables }) => [query.split('\n')[0], query, variables]))(
  'the tab fits the schema: %s',
  (_title, query = '', variables = '') => {
    const document = parse(query)
    expect(validate(schema, document)).toEqual([])
    const given = JSON.parse(variables)
    const [operation] = document.definitions
    if (operation?.kind !== Kind.OPERATION_DEFINITION) throw new Error('The operation comes first.')
    for (const { variable, type } of operation.variableDefinitions ?? []) {
      const inputType = typeFromAST(schema, type as never) as GraphQLInputType
      expect(coerceInputValue(given[variable.name.value], inputType)).toBeDefined()
    }
  },
)

test('no line of a tab is cut off on a small screen', () => {
  const lines = tabs.flatMap(({ query }) => query.split('\n'))
  expect(lines.filter((line) => line.length > 50)).toEqual([])
})

const key = 'pr_the_key'
const page: Route = {
  path: '/graphql',
  answer: graphiqlPage({ key: () => key }),
  refuse: () => ({ status: 500 }),
}

test('the page holds the key, and loads nothing from elsewhere', async () => {
  await using server = await serveRoutes([page])
  const answer = await fetch(`${server.url}/graphql`)
  const html = await answer.text()
  expect(html).toContain(`Bearer ${key}`)
  expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'")
  expect(html).not.toMatch(/<(script|link|img)[^>]+(src|href)="?(https?:)?\/\//)
})

test('a name made to point here is shown no key', async () => {
  await using server = await serveRoutes([page])
  const { port } = new URL(server.url)
  const html = await pageAs(port, `evil.example:${port}`)
  expect(html).toContain('Bearer <your key>'.replace('<', '\\u003c'))
  expect(html).not.toContain(key)
  expect(await pageAs(port, `localhost:${port}`)).toContain(key)
})

/** `fetch` does not let anybody choose the Host header. */
async function pageAs(port: string, host: string): Promise<string> {
  const sent = request({ host: '127.0.0.1', port, path: '/graphql', headers: { host } }).end()
  const [answer] = (await once(sent, 'response')) as [IncomingMessage]
  return Buffer.concat(await answer.toArray()).toString()
}
