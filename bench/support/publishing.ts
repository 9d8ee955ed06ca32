import { Pool } from 'undici'
import { setTimeout as wait } from 'node:timers/promises'
import type { Program } from './program.ts'
import { machineMs } from './time.ts'

/** Events that are alike. */
export type EventWish = {
  readonly workspaceId: string
  readonly eventType: string
  readonly payloadText: string
}

/** A JSON object of exactly so many bytes. */
export function payloadOf(bytes: number): string {
  return JSON.stringify({ pad: 'x'.repeat(bytes - '{"pad":""}'.length) })
}

/** One event, with the time of publishing in its payload for the receiver to take. */
export function stampedPayload(): string {
  return `{"publishedAt":${machineMs().toFixed(3)},"about":"the time from here to the receiver"}`
}

/** A request that publishes one event. */
export function publishRequest(input: EventWish): string {
  const query = `mutation ($input: EventPublishInput!) {
    eventPublish(input: $input) {
      __typename ... on EventPublishSuccess { event { id } } ... on Error { message }
    }
  }`
  return JSON.stringify({ query, variables: { input } })
}

/** A request that publishes many events together. */
export function batchRequest({ workspaceId, ...event }: EventWish, count: number): string {
  const query = `mutation ($input: EventPublishBatchInput!) {
    eventPublishBatch(input: $input) {
      __typename ... on EventPublishBatchSuccess { events { id } } ... on Error { message }
    }
  }`
  const input = { workspaceId, events: Array.from({ length: count }, () => event) }
  return JSON.stringify({ query, variables: { input } })
}

/** Where requests go to, and by how many clients at the same time. */
export type Clients = Disposable & {
  /** One request; throws on any answer that is no success. */
  readonly send: (body: string) => Promise<void>
  /** The same request again and again; resolves after the last answer. */
  readonly sendMany: (body: string, requests: number) => Promise<void>
}

/** Clients of the API, each on a connection of its own, one request at a time. */
export function openClients({ url, key }: Pick<Program, 'url' | 'key'>, count: number): Clients {
  const pool = new Pool(url, { connections: count })
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${key}` }
  const send = async (body: string) => {
    const answer = await pool.request({ method: 'POST', path: '/graphql', headers, body })
    const text = await answer.body.text()
    if (answer.statusCode !== 200 || /"message":/.test(text)) throw new Error(text.slice(0, 500))
  }
  return {
    send,
    sendMany: async (body, requests) => {
      let left = requests
      const client = async () => {
        while (left-- > 0) await send(body)
      }
      await Promise.all(Array.from({ length: count }, client))
    },
    [Symbol.dispose]: () => void pool.destroy(),
  }
}

/** Something done again and again at a fixed rate. */
export type Paced = {
  /** Resolves when everything that was begun has ended; throws what failed. */
  readonly stop: () => Promise<void>
}

/**
 * Begins `perSecond` times a second, whether or not what was begun before has ended: a slow answer
 * does not lower the load. What a late timer missed is made up for at once.
 */
export function startPaced(perSecond: number, begin: () => Promise<void>): Paced {
  const begun: Promise<void>[] = []
  const failures: unknown[] = []
  const started = performance.now()
  const stopping = new AbortController()
  const beginOne = () => begin().catch((error: unknown) => void failures.push(error))
  const running = (async () => {
    while (!stopping.signal.aborted && failures.length === 0) {
      const due = ((performance.now() - started) / 1000) * perSecond
      while (begun.length < due) begun.push(beginOne())
      await wait(1)
    }
  })()
  return {
    stop: async () => {
      stopping.abort()
      await running
      await Promise.all(begun)
      if (failures.length > 0) throw failures[0]
    },
  }
}
