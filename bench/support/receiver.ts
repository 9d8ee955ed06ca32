import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'

/** What a receiver has seen so far. */
export type Seen = { readonly requests: number; readonly latenciesMs: readonly number[] }

/** A receiver in a process of its own: answers 200 to everything, at once. */
export type ReceiverProcess = AsyncDisposable & {
  readonly port: number
  /** Resolves once `requests` more have come than at the last call of `mark`. */
  readonly until: (requests: number) => Promise<void>
  readonly mark: () => void
  /** Milliseconds from publishing to arrival, of payloads that carry `publishedAt`. */
  readonly takeLatencies: () => number[]
}

type Progress = { readonly requests: number; readonly latenciesMs: readonly number[] }

export async function startReceiverProcess(): Promise<ReceiverProcess> {
  const child: ChildProcess = fork(fileURLToPath(import.meta.url))
  const [port] = (await once(child, 'message')) as [number]
  let requests = 0
  let marked = 0
  let latenciesMs: number[] = []
  let check = () => {}
  child.on('message', (progress: Progress) => {
    requests = progress.requests
    latenciesMs.push(...progress.latenciesMs)
    check()
  })
  return {
    port,
    mark: () => (marked = requests),
    until: (wanted) => {
      const { promise, resolve } = Promise.withResolvers<void>()
      check = () => requests - marked >= wanted && resolve()
      check()
      return promise
    },
    takeLatencies: () => {
      const taken = latenciesMs
      latenciesMs = []
      return taken
    },
    [Symbol.asyncDispose]: async () => {
      child.kill()
      await once(child, 'exit')
    },
  }
}

/** Only in the forked process. The clock is that of the machine, which publishers share. */
function serve(): void {
  let requests = 0
  let latenciesMs: number[] = []
  const server = createServer((request, response) => {
    const at = performance.timeOrigin + performance.now()
    let body = ''
    request.setEncoding('latin1')
    request.on('data', (chunk: string) => (body += chunk))
    request.on('end', () => {
      requests += 1
      const stamp = /^{"publishedAt":([\d.]+)/.exec(body)?.[1]
      if (stamp) latenciesMs.push(at - Number(stamp))
      response.end()
    })
  })
  server.listen(0, '127.0.0.1', () => {
    const address = server.address()
    process.send?.(typeof address === 'object' ? address?.port : 0)
  })
  setInterval(() => {
    process.send?.({ requests, latenciesMs } satisfies Progress)
    latenciesMs = []
  }, 10)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) serve()
