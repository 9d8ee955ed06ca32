import { setTimeout as wait } from 'node:timers/promises'
import { startApp, type AppOptions } from './app.ts'
import { readConfig, type Config } from './config.ts'
import { migrate } from './db.ts'
import { durabilityProblems } from './durability.ts'
import { prepareEmbedded } from './first-run.ts'
import { drainMsMax } from './limits.ts'
import { createLog, type Log } from './log.ts'

/** The process: reads the configuration, runs the program for its role, and ends on a signal. */
async function main(): Promise<void> {
  const read = readConfig(process.env)
  if (!read.ok) return refuse(read.problems)
  const log = createLog(read.config.logLevel)
  const signal = firstSignal()
  await using resources = new AsyncDisposableStack()
  const options = await prepare(read.config, log, resources)
  await migrate(options.config.databaseUrl)
  const app = resources.use(await startApp(options))
  const problems = await durabilityProblems(app.services.database.pool)
  if (problems.length > 0) return refuse(problems)
  await options.started(app)
  log.info({ signal: await signal }, 'stopping: requests in flight may end')
  endAnyway(log)
}

function refuse(problems: readonly string[]): void {
  for (const problem of problems) process.stderr.write(`postrider: ${problem}\n`)
  process.exitCode = 1
}

/** The first signal drains. A second one ends the process where it stands. */
function firstSignal(): Promise<NodeJS.Signals> {
  const { promise, resolve } = Promise.withResolvers<NodeJS.Signals>()
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      resolve(name)
      process.once(name, () => process.exit(130))
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

await main()
