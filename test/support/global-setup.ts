import { randomBytes } from 'node:crypto'
import { Client } from 'pg'
import type { TestProject } from 'vitest/node'
import { migrate } from '../../src/db.ts'
import { databaseUrl, templateName, type TestDatabases } from './database.ts'
import { removeLeftFolders, startTemporaryServer } from './temporary-server.ts'

const prefixOfAll = 'postrider_test_'

/**
 * Prepares the databases of one test run: a migrated template on a server of its own, or on the
 * one TEST_DATABASE_URL names. Tests clone it, see `freshDatabase`.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  await using resources = new AsyncDisposableStack()
  await removeLeftFolders()
  const serverUrl =
    process.env['TEST_DATABASE_URL'] ?? resources.use(await startTemporaryServer()).url
  const run = resources.use(await openRun(serverUrl))
  await createTemplate(run)
  project.provide('testDatabases', { serverUrl, prefix: run.prefix })
  const running = resources.move()
  return () => running.disposeAsync()
}

type Run = AsyncDisposable & TestDatabases & { readonly client: Client }

/** Its connection, open as long as the run, shows other runs that its databases are in use. */
async function openRun(serverUrl: string): Promise<Run> {
  const prefix = `${prefixOfAll}${randomBytes(4).toString('hex')}_`
  const client = new Client({ connectionString: serverUrl, application_name: prefix })
  client.on('error', () => {}) // the next statement reports it
  await client.connect()
  await dropDatabases(client, await leftDatabases(client))
  return {
    serverUrl,
    prefix,
    client,
    [Symbol.asyncDispose]: async () => {
      await dropDatabases(client, await databasesOf(client, prefix))
      await client.end()
    },
  }
}

async function createTemplate({ client, serverUrl, prefix }: Run): Promise<void> {
  const name = templateName(prefix)
  await client.query(`create database ${name}`)
  await migrate(databaseUrl(serverUrl, name))
  // A database that somebody is connected to cannot be copied.
  await client.query(`alter database ${name} allow_connections false`)
}

/** Of runs that were killed. */
async function leftDatabases(client: Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select datname as name from pg_database
      where starts_with(datname, $1)
        and not exists (select from pg_stat_activity
                         where starts_with(application_name, $1)
                           and starts_with(datname::text, application_name))`,
    [prefixOfAll],
  )
  return rows.map((row) => row.name)
}

async function databasesOf(client: Client, prefix: string): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    'select datname as name from pg_database where starts_with(datname, $1)',
    [prefix],
  )
  return rows.map((row) => row.name)
}

async function dropDatabases(client: Client, names: readonly string[]): Promise<void> {
  for (const name of names) {
    await client.query(`drop database if exists ${client.escapeIdentifier(name)} with (force)`)
  }
}
