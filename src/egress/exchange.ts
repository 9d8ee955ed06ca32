import type { Dispatcher } from 'undici'
import { responseHeadersBytesMax } from '../limits.ts'
import { messageOfStatus, resultOfStatus } from '../rules/outcome.ts'
import type { Answer, HeaderLine, Outcome } from '../rules/outcome.ts'
import { BoundedBody } from './bounded-body.ts'
import { sendingEnded } from './guarded-agent.ts'
import type { Connection, GuardedAgent } from './guarded-agent.ts'
import { codeOf, failureOf, SendFailure } from './send-failure.ts'

/** One request: to whom, what, and how long it may take from now to the last byte of the answer. */
export type PostRequest = {
  /** As `checkEndpointUrl` returned it. */
  readonly url: string
  /** In the order and spelling they are sent in, after `host` and `connection`. */
  readonly headers: readonly HeaderLine[]
  /** Sent with its `content-length`. */
  readonly body: Buffer
  readonly timeoutMs: number
  /** Gives the request up: it then has no outcome, and `post` rejects with the signal's reason. */
  readonly signal?: AbortSignal
}

type Settle = {
  readonly resolve: (outcome: Outcome) => void
  readonly reject: (reason: unknown) => void
}

/**
 * One request and its answer, from the first wait to the outcome. It has a single deadline of its
 * own: timeouts per phase are defeated by endless 103s and dripping bodies, and abort signals do
 * not end a request that is queued, resolving or connecting. Whatever ends it while the answer is
 * not complete also ends the connection.
 */
export class Exchange implements Dispatcher.DispatchHandler {
  readonly #request: PostRequest
  readonly #agent: GuardedAgent
  readonly #settle: Settle
  readonly #startedAt = performance.now()
  readonly #origin: string
  #deadline: NodeJS.Timeout | undefined
  #connection: Connection | undefined
  #isDone = false
  /** Bytes of the request may have left. */
  #isSent = false
  #isSecondTry = false
  #statusCode = 0
  #headers: readonly HeaderLine[] = []
  readonly #body = new BoundedBody()

  constructor(agent: GuardedAgent, request: PostRequest, settle: Settle) {
    this.#agent = agent
    this.#request = request
    this.#settle = settle
    this.#origin = originOf(request.url)
  }

  /** Sends. Throws only what is wrong with the request itself. */
  start(): void {
    const { signal, timeoutMs } = this.#request
    signal?.throwIfAborted()
    this.#connection = this.#agent.take(this.#origin)
    this.#deadline = setTimeout(() => this.#expire(), timeoutMs)
    signal?.addEventListener('abort', this.#giveUp)
    this.#send(this.#connection)
  }

  #send(connection: Connection): void {
    const { body, headers, url } = this.#request
    const path = url.slice(this.#origin.length)
    connection.dispatch({ method: 'POST', path, headers: headers.flat(), body }, this)
  }

  onRequestStart(): void {
    this.#isSent = true
  }

  onResponseStart(controller: Dispatcher.DispatchController, statusCode: number): void {
    // Informational answers (103) may be repeated without end; only the deadline ends them.
    if (statusCode < 200) return
    this.#statusCode = statusCode
    this.#headers = headerLines(controller.rawHeaders)
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#body.append(chunk)) this.#endEarly()
  }

  onResponseEnd(): void {
    if (this.#isDone) return
    this.#finish(this.#answered(false))
    this.#connection?.release()
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    if (this.#isDone) return
    if (codeOf(error) === 'UND_ERR_INVALID_ARG') this.#abandon(error)
    else if (this.#agent.closed) this.#abandon(sendingEnded())
    else if (this.#statusCode > 0) this.#endEarly()
    else if (this.#mayTryAgain(error)) this.#tryAgain()
    else this.#fail(failureOf(error))
  }

  /**
   * A kept connection can break between two requests. Where undici had not begun to write, nothing
   * was sent, and the request goes out once more on a new connection, in the same attempt. Once
   * bytes may have left it does not: the receiver may have acted on them, and a second request
   * that is in no log would be a lie; the failed attempt is recorded and retried as any other.
   */
  #mayTryAgain(error: Error): boolean {
    return !this.#isSent && !this.#isSecondTry && !(error instanceof SendFailure)
  }

  #tryAgain(): void {
    this.#isSecondTry = true
    void this.#connection?.destroy()
    this.#connection = this.#agent.open(this.#origin)
    this.#send(this.#connection)
  }

  #expire(): void {
    const limit = `${this.#request.timeoutMs / 1000} s`
    const missing = this.#isSent ? 'answer' : 'connection'
    if (this.#statusCode > 0) this.#endEarly()
    else this.#fail(new SendFailure('TIMEOUT', `No ${missing} within ${limit}`))
  }

  readonly #giveUp = (): void => this.#abandon(this.#request.signal?.reason)

  /** No outcome: our own process stops, or the request was wrong. */
  #abandon(reason: unknown): void {
    this.#close()
    this.#settle.reject(reason)
    void this.#connection?.destroy()
  }

  /** The status is known, and the rest of the answer is not wanted or does not come. */
  #endEarly(): void {
    if (this.#isDone) return
    this.#finish(this.#answered(true))
    void this.#connection?.destroy()
  }

  #fail({ result, message }: SendFailure): void {
    this.#finish({ result, errorMessage: message, durationMs: this.#elapsedMs(), answer: null })
    void this.#connection?.destroy()
  }

  #answered(bodyTruncated: boolean): Outcome {
    const statusCode = this.#statusCode
    const body = this.#body.read()
    const answer: Answer = { statusCode, headers: this.#headers, body, bodyTruncated }
    const result = resultOfStatus(statusCode)
    const errorMessage = result === 'SUCCEEDED' ? null : messageOfStatus(statusCode)
    return { result, errorMessage, durationMs: this.#elapsedMs(), answer }
  }

  #elapsedMs(): number {
    return Math.round(performance.now() - this.#startedAt)
  }

  #finish(outcome: Outcome): void {
    this.#close()
    this.#settle.resolve(outcome)
  }

  #close(): void {
    this.#isDone = true
    clearTimeout(this.#deadline)
    this.#request.signal?.removeEventListener('abort', this.#giveUp)
  }
}

/** `https://example.com:8443/path?query` up to the path, which a canonical URL always has. */
function originOf(url: string): string {
  return url.slice(0, url.indexOf('/', url.indexOf('://') + 3))
}

/** As received, in order, up to the bound. Bytes above 127 have no agreed meaning (RFC 9110). */
function headerLines(raw: Dispatcher.DispatchController['rawHeaders']): readonly HeaderLine[] {
  const lines: HeaderLine[] = []
  if (!Array.isArray(raw)) return lines
  let bytes = 0
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = raw[at]?.toString('latin1') ?? ''
    const value = raw[at + 1]?.toString('latin1') ?? ''
    bytes += name.length + value.length
    if (bytes > responseHeadersBytesMax) break
    lines.push([name, value])
  }
  return lines
}
