import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { open } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Role } from '../../../src/config.ts'
import { adopt } from './children.ts'
import { freePort } from './free-port.ts'
import { liveBytes } from './live-memory.ts'

/** How a process ended: with a code of its own, or by a signal. */
export type End = { readonly code: number | null; readonly signal: NodeJS.Signals | null }

export type InstanceOptions = {
  readonly name: string
  readonly role: Role
  readonly port: number
  readonly env: Readonly<Record<string, string>>
  readonly logFile: string
  /** It ended though nobody had told it to. */
  readonly broke: () => void
}

const mainFile = fileURLToPath(new URL('../../../src/main.ts', import.meta.url))
const readyMsMax = 30_000

/** One process of the program, started again and again on the same port. */
export class Instance implements AsyncDisposable {
  readonly role: Role
  readonly url: string
  readonly logFile: string
  readonly #options: InstanceOptions
  #child: ChildProcess | null = null
  #inspectorPort = 0
  #ended: Promise<End> = Promise.resolve({ code: 0, signal: null })
  #isAsked = false
  #wasReady = false
  /** Times it ended though nobody had told it to. */
  unexpectedEnds = 0

  constructor(options: InstanceOptions) {
    this.#options = options
    this.role = options.role
    this.logFile = options.logFile
    this.url = `http://127.0.0.1:${options.port}`
  }

  get pid(): number {
    return this.#child?.pid ?? 0
  }

  get isRunning(): boolean {
    return this.#child !== null && this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** It runs and has said that it is ready. */
  get isReady(): boolean {
    return this.isRunning && this.#wasReady
  }

  /** Resolves when it has ended, at once where it does not run. */
  get ended(): Promise<End> {
    return this.#ended
  }

  /** Resolves once it is ready. */
  async start(): Promise<void> {
    const { env, port, role, logFile } = this.#options
    await using log = await open(logFile, 'a')
    this.#inspectorPort = await freePort()
    const inspector = `--inspect=127.0.0.1:${this.#inspectorPort}`
    const child = spawn(process.execPath, [inspector, mainFile], {
      env: { ...process.env, ...env, PORT: String(port), HOST: '127.0.0.1', POSTRIDER_ROLE: role },
      stdio: ['ignore', log.fd, log.fd],
    })
    this.#child = adopt(child)
    this.#isAsked = false
    this.#wasReady = false
    this.#ended = once(child, 'exit').then(([code, signal]: (End['code'] | End['signal'])[]) => {
      if (!this.#isAsked) this.#breakDown()
      return { code, signal } as End
    })
    await this.untilReady()
  }

  #breakDown(): void {
    this.unexpectedEnds += 1
    this.#options.broke()
  }

  /** Resolves once `/readyz` says so. */
  async untilReady(): Promise<void> {
    const deadline = AbortSignal.timeout(readyMsMax)
    while (!(await this.saysReady())) {
      if (!this.isRunning || deadline.aborted) throw new Error(`Not ready: see ${this.logFile}`)
      await pause(25)
    }
    this.#wasReady = true
  }

  /** Whether `/readyz` says that it is ready now. */
  saysReady(): Promise<boolean> {
    const signal = AbortSignal.timeout(3_000)
    return fetch(`${this.url}/readyz`, { signal }).then(
      ({ ok }) => ok,
      () => false,
    )
  }

  /** SIGKILL. Resolves once it is gone. */
  async kill(): Promise<void> {
    this.send('SIGKILL')
    await this.#ended
  }

  send(signal: NodeJS.Signals): void {
    if (signal !== 'SIGSTOP' && signal !== 'SIGCONT') this.#isAsked = true
    this.#child?.kill(signal)
  }

  /** A figure of `/metrics`, summed over its labels. */
  async figure(name: string): Promise<number> {
    const text = await fetch(`${this.url}/metrics`).then((response) => response.text())
    const lines = text.split('\n').filter((line) => new RegExp(`^${name}[{ ]`).test(line))
    return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
  }

  /** What it needs after a full collection, and what it has from the system; in MB. */
  async memory(): Promise<{ live: number; resident: number }> {
    const live = await liveBytes(`http://127.0.0.1:${this.#inspectorPort}`)
    const resident = await this.figure('process_resident_memory_bytes')
    return { live: live / 2 ** 20, resident: resident / 2 ** 20 }
  }

  /** In time, or by force. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.isRunning) return
    this.send('SIGCONT')
    this.send('SIGTERM')
    await Promise.race([this.#ended, pause(3_000, undefined, { ref: false })])
    if (this.isRunning) await this.kill()
  }
}
