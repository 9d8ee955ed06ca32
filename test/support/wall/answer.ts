import type { Bundle } from '../bundle.ts'
import { newClient } from '../client.ts'
import { openReadySocket } from '../socket.ts'
import { openStream } from '../stream.ts'
import type { Question } from './question.ts'

/** A question, who asks it, and the text in it that the answer may repeat. */
export type Asking = {
  readonly bundle: Pick<Bundle, 'url'>
  readonly key: string
  readonly question: Question
  readonly given: string
}

/** The whole answer, without what differs from request to request. */
export async function answerOf(asking: Asking): Promise<string> {
  const { question, given } = asking
  const text = question.kind === 'subscription' ? await asStream(asking) : await overHttp(asking)
  if (/"GRAPHQL_|"(?:QUERY|TOO)_/.test(text)) {
    throw new Error(`The wall asks what cannot be asked: ${text} ${question.query}`)
  }
  return text.replace(/"requestId":"[^"]*"/g, '"requestId":""').replaceAll(given, '(given)')
}

async function overHttp({ bundle, key, question }: Asking): Promise<string> {
  const { query, variables } = question
  const { status, text } = await newClient(bundle.url, key).send(query, variables)
  return `${status} ${text}`
}

/** The first thing a subscription says, over each of its transports. */
async function asStream({ bundle, key, question }: Asking): Promise<string> {
  const { query, variables } = question
  await using socket = await openReadySocket(bundle.url, key)
  socket.send({ id: 'wall', type: 'subscribe', payload: { query, variables } })
  await using stream = await openStream(bundle.url, { key, query, variables })
  const { status, ok } = stream.response
  // Its id is a cursor, which moves with time.
  const first = ok ? (await stream.next())?.data : await stream.response.json()
  return JSON.stringify([await socket.next(), status, first])
}
