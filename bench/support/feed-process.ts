import { WebSocket } from 'ws'
import type { FeedJob, FeedProgress } from './feed-clients.ts'

/**
 * Many subscribers in one process: graphql-transport-ws by hand, and messages are counted without
 * being read, so that they cost the machine as little as possible.
 */
let changes = 0
let checkpoints = 0

process.once('message', (job: FeedJob) => {
  for (let index = 0; index < job.filters.length; index += job.perSocket) {
    open(job, job.filters.slice(index, index + job.perSocket))
  }
})
process.on('message', (message) => {
  if (message === 'report') process.send?.({ changes, checkpoints } satisfies FeedProgress)
})
process.once('disconnect', () => process.exit())

function open({ url, key, workspaceId }: FeedJob, filters: readonly object[]): void {
  const socket = new WebSocket(url, 'graphql-transport-ws', { perMessageDeflate: false })
  const send = (message: object) => socket.send(JSON.stringify(message))
  socket.on('open', () =>
    send({ type: 'connection_init', payload: { authorization: `Bearer ${key}` } }),
  )
  socket.on('message', (bytes: Buffer) => {
    if (bytes.includes('"DeliveryChange"')) changes += 1
    else if (bytes.includes('"StreamCheckpoint"')) checkpoints += 1
    else if (bytes.includes('"connection_ack"')) {
      for (const [id, filter] of filters.entries())
        send(subscribe(`${id}`, { workspaceId, filter }))
    } else if (bytes.includes('"type":"ping"')) send({ type: 'pong' })
    else throw new Error(String(bytes).slice(0, 500))
  })
  socket.on('close', (code, reason) => {
    throw new Error(`A socket of the feed was closed: ${code} ${String(reason)}`)
  })
}

function subscribe(id: string, variables: object): object {
  const query = `subscription ($workspaceId: ID!, $filter: DeliveryFilter) {
    deliveryChanges(workspaceId: $workspaceId, filter: $filter) {
      __typename
      ... on DeliveryChange { cursor status changedAt delivery { id attemptCount } }
    }
  }`
  return { id, type: 'subscribe', payload: { query, variables } }
}
