import type { Client, Json, Reply } from './client.ts'

/** Where endpoints are over REST. */
export const webhooksPath = '/v1/platform/webhooks'

/** Asks for an endpoint; a text is sent as it is. */
export function postWebhook(client: Client, body: unknown, query = ''): Promise<Reply> {
  return client.fetch(`${webhooksPath}${query}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
}

/** Deletes an endpoint. */
export function deleteWebhook(client: Client, id: string): Promise<Reply> {
  return client.fetch(`${webhooksPath}/${id}`, { method: 'DELETE' })
}

/** The JSON of an answer. */
export function jsonOf({ text }: Reply): Json {
  return JSON.parse(text)
}

/** The body of a refusal. */
export function refusedAs(code: string, message: string, issues: readonly object[] = []) {
  return { error: { code, message, issues } }
}

/** The body of a refusal for one wrong field. */
export function invalidAt(path: readonly string[], message: string) {
  return refusedAs('INVALID_INPUT', `${path.join('.')}: ${message}`, [{ path, message }])
}
