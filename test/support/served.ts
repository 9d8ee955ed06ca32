import { type Route, serveHttp } from '../../src/api/http.ts'
import { createLog } from '../../src/log.ts'

/** Some routes alone, on a server of their own. */
export async function serveRoutes(
  routes: readonly Route[],
  port = 0,
): Promise<AsyncDisposable & { readonly url: string }> {
  const log = createLog('silent')
  const server = await serveHttp({ host: '127.0.0.1', port, routes, log })
  const url = `http://127.0.0.1:${server.port}`
  return { url, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
}
