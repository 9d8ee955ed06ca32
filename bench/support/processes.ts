import { readFile } from 'node:fs/promises'

/** `times` in /proc/<pid>/stat counts in hundredths of a second (USER_HZ) on every Linux. */
const microsPerTick = 10_000

type Stat = { readonly parent: number; readonly own: number; readonly reaped: number }

/**
 * Processor time of processes without their children, in µs. Robust where rates are not: what else
 * the machine does costs time, but hardly anyone else's processor time. NaN where there is no
 * /proc, that is, not on Linux.
 */
export async function cpuMicros(pids: readonly number[]): Promise<number> {
  const stats = await Promise.all(pids.map((pid) => readStat(pid)))
  return sum(stats.map((stat) => stat?.own ?? NaN)) * microsPerTick
}

/** The same with all its children, living and ended. */
export async function treeCpuMicros(pid: number): Promise<number> {
  const stat = await readStat(pid)
  const ended = (stat?.reaped ?? NaN) * microsPerTick
  return (await cpuMicros([pid, ...(await childrenOf(pid))])) + ended
}

/** The process that started this one. */
export async function parentOf(pid: number): Promise<number | undefined> {
  return (await readStat(pid))?.parent
}

/** The name in brackets may hold anything, so fields are counted behind the last bracket. */
async function readStat(pid: number): Promise<Stat | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  const fields = text
    ?.slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number)
  if (!fields) return undefined
  const [, parent = 0, , , , , , , , , , user = 0, system = 0, reapedUser = 0, reapedSystem = 0] =
    fields
  return { parent, own: user + system, reaped: reapedUser + reapedSystem }
}

async function childrenOf(pid: number): Promise<number[]> {
  const path = `/proc/${pid}/task/${pid}/children`
  const text = await readFile(path, 'utf8').catch(() => '')
  return text.split(' ').filter(Boolean).map(Number)
}

/** The most memory the processes have held so far, in MB. */
export async function peakMegabytes(pids: readonly number[]): Promise<number> {
  return (
    sum(await Promise.all(pids.map((pid) => kilobytesIn(`/proc/${pid}/status`, 'VmHWM')))) / 1024
  )
}

/** Memory of a process and its children, what they share counted once, in MB. */
export async function treeMegabytes(pid: number): Promise<number> {
  const pids = [pid, ...(await childrenOf(pid))]
  return (
    sum(await Promise.all(pids.map((one) => kilobytesIn(`/proc/${one}/smaps_rollup`, 'Pss')))) /
    1024
  )
}

async function kilobytesIn(path: string, field: string): Promise<number> {
  const text = await readFile(path, 'utf8').catch(() => '')
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? NaN)
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
