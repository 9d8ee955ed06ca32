import type { Queryable } from '../db.ts'
import { dayMs, partitionsAheadDays } from '../limits.ts'
import { uuidFloor, uuidTime } from '../rules/id.ts'

/** The partitioned tables; all go by the time in a UUIDv7, attempts by that of their delivery. */
const logTables = ['event', 'delivery', 'attempt', 'change'] as const

type LogTable = (typeof logTables)[number]

/** One day of one table; `day` as {@link dayOf} writes it. */
export type Partition = { readonly table: LogTable; readonly name: string; readonly day: string }

/** The day of a time, as partitions are named: `20260319`, in UTC. */
export function dayOf(time: Date): string {
  return time.toISOString().slice(0, 10).replaceAll('-', '')
}

/** The first moment of a time's day, in UTC. */
export function startOfDay(time: Date): Date {
  return new Date(Math.floor(time.getTime() / dayMs) * dayMs)
}

/** A partition that there should be, of the day that `time` lies in. */
type MissingPartition = { readonly table: LogTable; readonly name: string; readonly time: Date }

/** Those of today and the next days that are not there yet. */
export async function missingPartitions(db: Queryable, now: Date): Promise<MissingPartition[]> {
  const present = new Set((await readPartitions(db)).map(({ name }) => name))
  const days = Array.from({ length: partitionsAheadDays + 1 }, (_, n) => n)
  const wanted = days.flatMap((day) => {
    const time = new Date(now.getTime() + day * dayMs)
    return logTables.map((table) => ({ table, name: `${table}_${dayOf(time)}`, time }))
  })
  return wanted.filter(({ name }) => !present.has(name))
}

/**
 * Makes one partition. Rows of a day without one are in the default partition: publishing never
 * stops for want of a partition, but a partition can then no longer be made for that day, and its
 * rows go with the default's clean-up.
 *
 * Until its transaction ends nobody else gets to the table. So each has a transaction of its own:
 * one that held a table and waited for the next would wait for a publish that has that one and
 * waits for the first.
 */
export async function createPartition(
  db: Queryable,
  { table, name, time }: MissingPartition,
): Promise<void> {
  const start = startOfDay(time).getTime()
  const [from, to] = [uuidFloor(start), uuidFloor(start + dayMs)].map(lowest)
  if (await hasStrays(db, { table, from, to })) return
  const options = table === 'delivery' ? 'with (fillfactor = 50)' : ''
  await db.query(
    `/* createPartition */ create table if not exists ${name}
     partition of ${table} for values from ('${from}') to ('${to}') ${options}`,
  )
}

/** Today's and the next days' partitions, outside of any transaction. */
export async function createPartitionsAhead(db: Queryable, now: Date): Promise<void> {
  for (const missing of await missingPartitions(db, now)) await createPartition(db, missing)
}

/** Rows of a day that began without its partition: it then has none to its end. */
async function hasStrays(
  db: Queryable,
  { table, from, to }: { table: LogTable; from: string | undefined; to: string | undefined },
): Promise<boolean> {
  const id = table === 'attempt' ? 'delivery_id' : 'id'
  const { rows } = await db.query<{ found: boolean }>(
    `/* hasStrays */ select exists (
       select from ${table}_default where ${id} >= $1 and ${id} < $2) as found`,
    [from, to],
  )
  return rows[0]?.found ?? false
}

/** Bounds without version and variant bits, so that no id of that day can lie outside. */
export function lowest(uuid: string): string {
  return `${uuid.slice(0, 14)}0000-0000-000000000000`
}

/** Every partition of a day, oldest first. */
export async function readPartitions(db: Queryable): Promise<Partition[]> {
  const { rows } = await db.query<Partition>(
    `/* readPartitions */
     select parent.relname as "table", child.relname as name,
       right(child.relname, 8) as day
     from pg_inherits
     join pg_class parent on parent.oid = inhparent
     join pg_class child on child.oid = inhrelid
     where parent.relname = any($1::text[]) and child.relname ~ '_[0-9]{8}$'
       and parent.relnamespace = 'public'::regnamespace and parent.relkind = 'p'
     order by day, name`,
    [logTables],
  )
  return rows
}

/**
 * The first day with a delivery that is due only after `since`: published far ahead, or being
 * retried. What was due before then and waits still is of an endpoint that nobody repaired. A duty
 * of the whole system, so it names no workspace.
 */
export async function oldestAwaitedDay(db: Queryable, since: Date): Promise<Date | null> {
  const { rows } = await db.query<{ id: string }>(
    `/* oldestAwaitedDay */ select delivery_id as id from due
     where coalesce(held_until, due_at) >= $1 order by delivery_id limit 1`,
    [since.toISOString()],
  )
  return rows[0] ? startOfDay(new Date(uuidTime(rows[0].id))) : null
}

/**
 * What is older than `before`, the start of the first day that is kept, and not in a partition of
 * its own: rows of the default partitions, keys whose events are gone, work whose delivery is, and
 * replays that have ended.
 */
export async function deleteLeftovers(db: Queryable, before: Date): Promise<void> {
  const floor = uuidFloor(before.getTime())
  for (const table of logTables) {
    const id = table === 'attempt' ? 'delivery_id' : 'id'
    await db.query(`/* deleteLeftovers */ delete from ${table}_default where ${id} < $1`, [floor])
  }
  await db.query('/* deleteOldDue */ delete from due where delivery_id < $1', [floor])
  await db.query('/* deleteOldKeys */ delete from idempotency_key where event_id < $1', [floor])
  await db.query(
    `/* deleteOldReplays */ delete from replay where id < $1 and status <> 'RUNNING'`,
    [floor],
  )
}

/** Drops one day of one table: free, whatever it held. */
export async function dropPartition(db: Queryable, { name }: Partition): Promise<void> {
  await db.query(`/* dropPartition */ drop table if exists ${name}`)
}
