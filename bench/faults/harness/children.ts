import type { ChildProcess } from 'node:child_process'
import { rmSync } from 'node:fs'

const children = new Set<ChildProcess>()
const folders = new Set<string>()

/** Ends with us, however we end. */
export function adopt<Child extends ChildProcess>(child: Child): Child {
  children.add(child)
  child.once('exit', () => children.delete(child))
  return child
}

/** Is removed when we end, if it was not before. */
export function adoptFolder(path: string): void {
  folders.add(path)
}

/** From here on a signal ends us, all processes we started, and our folders. */
export function cleanUpOnExit(): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))
  process.once('exit', () => {
    for (const child of children) child.kill('SIGKILL')
    for (const path of folders) rmSync(path, { recursive: true, force: true, maxRetries: 5 })
  })
}
