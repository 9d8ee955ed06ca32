import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { embeddedStopMsMax } from '../limits/embedded.ts'
import { inspectProcess } from './process.ts'

const pollMs = 10

/**
 * The last argument of a server, by which it is known as the one of this folder: the number in a
 * pid file may meanwhile be somebody else's, and the path it was given the same for all. `ps`
 * shows only ASCII as it is.
 */
export const folderMark = (folder: string) => `postrider.data_folder=${encodeURI(folder)}`

/** What the server says of itself in `postmaster.pid`; null when there is no such file. */
async function readPidFile(folder: string): Promise<{ pid: number; status: string } | null> {
  const text = await readFile(join(folder, 'postmaster.pid'), 'utf8').catch(() => null)
  if (text === null) return null
  const lines = text.split('\n')
  return { pid: Number(lines[0]), status: lines[7]?.trim() ?? '' }
}

/** Whether process `pid` is the server of this folder, and alive. */
async function isServer(pid: number, folder: string): Promise<boolean> {
  const found = await inspectProcess(pid)
  return found?.command.trimEnd().endsWith(folderMark(folder)) ?? false
}

/** Whether the server takes connections, which after a crash is when it has recovered. */
export async function serverIsReady(pid: number, folder: string): Promise<boolean> {
  const file = await readPidFile(folder)
  // Its own number: the file may still be that of a server that was killed.
  return file?.pid === pid && file.status === 'ready'
}

/**
 * Stops the server a killed program left behind and removes the pid file of one that was killed
 * itself, for PostgreSQL takes any process of that number for it. Answers whether one ran.
 */
export async function stopLeftServer(folder: string): Promise<boolean> {
  const file = await readPidFile(folder)
  if (file === null) return false
  const ran = await isServer(file.pid, folder)
  if (ran) await stopServer(file.pid, folder)
  await rm(join(folder, 'postmaster.pid'), { force: true })
  return ran
}

/** Fast shutdown; after too long immediate; then by force. Nothing committed is lost by any. */
const stopSignals = ['SIGINT', 'SIGQUIT', 'SIGKILL'] as const

/** Ends the server `pid`, if it is that of this folder. */
export async function stopServer(pid: number, folder: string): Promise<void> {
  for (const signal of stopSignals) {
    if (!(await isServer(pid, folder))) return
    sendSignal(pid, signal)
    if (await ends(pid, folder)) return
  }
  throw new Error(`The database server (process ${pid}) does not end. End it by hand.`)
}

async function ends(pid: number, folder: string): Promise<boolean> {
  const deadline = AbortSignal.timeout(embeddedStopMsMax)
  while (await isServer(pid, folder)) {
    if (deadline.aborted) return false
    await delay(pollMs)
  }
  return true
}

/** It may have ended since we looked. */
export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
