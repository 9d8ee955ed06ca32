import { fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { pino } from 'pino'
import { startEmbeddedPostgres } from '../../src/embedded-postgres.ts'

/** The program as its users run it, in a process of its own, on a database of its own. */
export type Program = AsyncDisposable & {
  readonly url: string
  readonly databaseUrl: string
  /** Runs a GraphQL operation as the operator; throws on any error. */
  readonly ask: (query: string, variables?: object) => Promise<Record<string, never>>
}

const mainFile = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

/** fsync and synchronous_commit are on: what is measured is what production does. */
export async function startProgram(env: Record<string, string> = {}): Promise<Program> {
  await using resources = new AsyncDisposableStack()
  const dataDir = await mkdtemp(join(tmpdir(), 'postrider-bench-'))
  resources.defer(() => rm(dataDir, { recursive: true, force: true }))
  const log = pino({ level: 'error' })
  const { url: databaseUrl } = resources.use(await startEmbeddedPostgres({ dataDir, log }))
  const port = 20_000 + (randomBytes(2).readUInt16BE() % 20_000)
  const adminKey = randomBytes(24).toString('hex')
  const child = fork(mainFile, {
    env: {
      ...process.env,
      ...env,
      DATABASE_URL: databaseUrl,
      PORT: String(port),
      HOST: '127.0.0.1',
      POSTRIDER_ADMIN_KEY: adminKey,
      POSTRIDER_ENCRYPTION_KEYS: `bench:${randomBytes(32).toString('base64')}`,
      POSTRIDER_ALLOWED_PRIVATE_CIDRS: '127.0.0.0/8',
      POSTRIDER_HTTPS_ONLY: 'false',
      POSTRIDER_LOG_LEVEL: env['POSTRIDER_LOG_LEVEL'] ?? 'warn',
    },
  })
  resources.defer(async () => {
    child.kill('SIGTERM')
    if (child.exitCode === null) await once(child, 'exit')
  })
  const url = `http://127.0.0.1:${port}`
  const ask = (query: string, variables: object = {}) => askAs(url, adminKey, { query, variables })
  await untilReady(url)
  const kept = resources.move()
  return { url, databaseUrl, ask, [Symbol.asyncDispose]: () => kept.disposeAsync() }
}

async function askAs(url: string, key: string, operation: object): Promise<Record<string, never>> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify(operation),
  })
  const { data, errors } = (await response.json()) as { data: never; errors?: unknown }
  if (errors) throw new Error(JSON.stringify(errors))
  return data
}

async function untilReady(url: string): Promise<void> {
  for (;;) {
    const ready = await fetch(`${url}/readyz`).then((response) => response.ok).catch(() => false)
    if (ready) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** A workspace with `endpoints` endpoints that get every event of the type `bench.happened`. */
export async function setUp(program: Program, options: { endpoints: number; port: number }) {
  const { ask } = program
  const created = await ask(`mutation {
    workspaceCreate(input: { name: "bench" }) { ... on WorkspaceCreateSuccess { workspace { id } } }
    eventTypeCreate(input: { name: "bench.happened" }) { __typename }
  }`)
  const workspaceId: string = created['workspaceCreate']!['workspace']['id']
  for (let index = 0; index < options.endpoints; index += 1) {
    const input = {
      workspaceId,
      url: `http://127.0.0.1:${options.port}/${index}`,
      eventTypes: ['bench.happened'],
    }
    await ask(
      `mutation ($input: EndpointCreateInput!) {
        endpointCreate(input: $input) { __typename ... on Error { message } }
      }`,
      { input },
    )
  }
  return workspaceId
}
