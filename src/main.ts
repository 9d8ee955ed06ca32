import { resolve } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { graphiqlPage } from './api/graphql/graphiql-page.ts'
import { inboxRoute } from './api/inbox.ts'
import { startApp, type App, type AppOptions } from './app.ts'
import { readConfig, type Config } from './config.ts'
import { migrate } from './db.ts'
import { startProblems } from './start-checks.ts'
import { startProblem } from './start-problem.ts'
import { startEmbeddedPostgres } from './embedded-postgres.ts'
import { openKeyring } from './first-run/keyring.ts'
import { welcome } from './first-run/welcome.ts'
import { openFirstWorkspace } from './first-run/workspace.ts'
import { drainMsMax } from './limits.ts'
import { createLog, type Log } from './log.ts'
import { version } from './version.ts'

/** What to start, and what to tell once it runs. */
type Plan = { readonly options: AppOptions; readonly tell: (app: App) => Promise<void> }

/** The process: reads the configuration, runs the program for its role, and ends on a signal. */
async function main(): Promise<void> {
  const read = readConfig(process.env)
  if (!read.ok) return refuse(read.problems)
  const log = createLog(read.config.logLevel)
  const signal = firstSignal()
  await using resources = new AsyncDisposableStack()
  const { options, tell } = await plan(read.config, log, resources)
  await migrate(options.config.databaseUrl)
  const { databaseUrl, encryptionKeys } = options.config
  const problems = await startProblems(databaseUrl, encryptionKeys)
  if (problems.length > 0) return refuse(problems)
  const app = resources.use(await startApp(options))
  await tell(app)
  log.info({ signal: await signal }, 'stopping: what is in flight may end')
  endAnyway(log)
}

function plan(config: Config, log: Log, resources: AsyncDisposableStack): Promise<Plan> | Plan {
  const { databaseUrl, adminKey, encryptionKeys, role } = config
  if (!databaseUrl || !adminKey || !encryptionKeys) return planEmbedded(config, log, resources)
  return {
    options: { config: { ...config, databaseUrl, adminKey, encryptionKeys }, log, graphiql: false },
    tell: async ({ port }) => log.info({ version, role, host: config.host, port }, 'started'),
  }
}

/** For trying it: a PostgreSQL of its own, kept keys, a first workspace, GraphiQL and an inbox. */
async function planEmbedded(
  config: Config,
  log: Log,
  resources: AsyncDisposableStack,
): Promise<Plan> {
  const dataDir = resolve(config.dataDir)
  const postgres = resources.use(await startEmbeddedPostgres({ dataDir, log }))
  void postgres.lost.then(() => {
    process.stderr.write('postrider: The embedded PostgreSQL has ended. Start the program again.\n')
    process.exit(1)
  })
  const keyring = await openKeyring(dataDir)
  const adminKey = config.adminKey ?? keyring.adminKey
  const encryptionKeys = config.encryptionKeys ?? keyring.encryptionKeys
  return {
    options: {
      config: { ...config, databaseUrl: postgres.url, adminKey, encryptionKeys },
      log,
      graphiql: graphiqlPage({ key: keyring.workspaceKey }),
      routes: ({ clock }) => [inboxRoute(clock)],
    },
    tell: async ({ port, services }) => {
      const { workspaceId, key: workspaceKey } = await openFirstWorkspace(services, keyring)
      const origin = `http://127.0.0.1:${port}`
      const told = { version, origin, adminKey, workspaceId, workspaceKey, dataDir }
      process.stdout.write(welcome(told))
    },
  }
}

function refuse(problems: readonly string[]): void {
  for (const problem of problems) process.stderr.write(`postrider: ${problem}\n`)
  process.exitCode = 1
}

/** The first signal drains. A second one ends the process where it stands. */
function firstSignal(): Promise<NodeJS.Signals> {
  const { promise, resolve: received } = Promise.withResolvers<NodeJS.Signals>()
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(name, () => {
      received(name)
      process.on(name, () => process.exit(130))
    })
  }
  return promise
}

function endAnyway(log: Log): void {
  void wait(drainMsMax + 2_000, undefined, { ref: false }).then(() => {
    log.error('draining took too long; ending now')
    process.exit(1)
  })
}

await main().catch((error: unknown) => {
  refuse([startProblem(error)])
})
