import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'

/** A process that runs now. Start and number together name it for good; numbers are reused. */
export type RunningProcess = {
  /** Opaque: only for comparing. */
  readonly startedAt: string
  /** The command line, arguments separated by spaces. */
  readonly command: string
}

/**
 * The process with this number; null when there is none. A dead process that nobody has collected
 * yet counts as none: in a container without an init process those stay forever.
 */
export async function inspectProcess(pid: number): Promise<RunningProcess | null> {
  return process.platform === 'linux' ? inspectLinux(pid) : inspectWithPs(pid)
}

/** Slim containers have no `ps`, but always /proc. */
async function inspectLinux(pid: number): Promise<RunningProcess | null> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
    // The second field is the program's name in parentheses, and may hold any character.
    const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (state === 'Z' || state === 'X') return null
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8')
    // Ticks since boot repeat from boot to boot, above all in virtual machines.
    const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8')
    return { startedAt: `${boot.trim()} ${fields[18]}`, command: command.replaceAll('\0', ' ') }
  } catch {
    return null
  }
}

async function inspectWithPs(pid: number): Promise<RunningProcess | null> {
  try {
    const options = ['-ww', '-o', 'lstart=,command=', '-p', String(pid)]
    const { stdout } = await promisify(execFile)('ps', options, { env: { LC_ALL: 'C' } })
    // `lstart` is a date of fixed width: "Sun Nov 22 10:07:52 2026".
    return { startedAt: stdout.slice(0, 24), command: stdout.slice(25).trim() }
  } catch {
    return null
  }
}
