import { parseArgs } from 'node:util'
import { setUp, startProgram, type Program } from './support/program.ts'
import { startReceiverProcess, type ReceiverProcess } from './support/receiver.ts'
import { measureUndici } from './support/undici-limit.ts'

/**
 * Deliveries a second, published over the API meanwhile, beside what undici alone sends to the same
 * receiver on the same machine in the same run; and the time from publishing to arrival.
 */
const { values } = parseArgs({
  options: {
    endpoints: { type: 'string', default: '100' },
    deliveries: { type: 'string', default: '40000' },
    bytes: { type: 'string', default: '1024' },
    latencies: { type: 'string', default: '200' },
  },
})
const endpoints = Number(values.endpoints)
const deliveries = Number(values.deliveries)
const payloadText = JSON.stringify({ pad: 'x'.repeat(Number(values.bytes) - 10) })

await using receiver = await startReceiverProcess()
const limit = { port: receiver.port, requests: deliveries, body: payloadText }
const limitBefore = await measureUndici(limit)
const { deliveredPerSecond, publishedPerSecond } = await measureThroughput(receiver)
const limitAfter = await measureUndici(limit)
const latency = await measureLatency(receiver)
const limitPerSecond = (limitBefore + limitAfter) / 2

process.stdout.write(
  `${JSON.stringify({
    ...{ endpoints, deliveries, payloadBytes: payloadText.length },
    deliveredPerSecond: Math.round(deliveredPerSecond),
    publishedPerSecond: Math.round(publishedPerSecond),
    undiciAlonePerSecond: Math.round(limitPerSecond),
    ratio: Number((deliveredPerSecond / limitPerSecond).toFixed(2)),
    publishToReceiverMs: latency,
  })}\n`,
)

/** Batches of events one after the other, as fast as they are accepted, until all have arrived. */
async function measureThroughput(receiver: ReceiverProcess) {
  await using program = await startProgram()
  const workspaceId = await setUp(program, { endpoints, port: receiver.port })
  const batch = Math.max(1, Math.round(500 / endpoints))
  await publish(program, { workspaceId, events: batch, payloadText })
  await new Promise((resolve) => setTimeout(resolve, 2_000))
  receiver.mark()
  const started = performance.now()
  const events = Math.ceil(deliveries / endpoints)
  for (let done = 0; done < events; done += batch) {
    await publish(program, { workspaceId, events: Math.min(batch, events - done), payloadText })
  }
  const published = performance.now()
  await receiver.until(events * endpoints)
  const ended = performance.now()
  return {
    deliveredPerSecond: ((events * endpoints) / (ended - started)) * 1000,
    publishedPerSecond: ((events * endpoints) / (published - started)) * 1000,
  }
}

/** One event after the other to one idle receiver. */
async function measureLatency(receiver: ReceiverProcess) {
  await using program = await startProgram()
  const workspaceId = await setUp(program, { endpoints: 1, port: receiver.port })
  receiver.takeLatencies()
  for (let index = 0; index < Number(values.latencies); index += 1) {
    const publishedAt = performance.timeOrigin + performance.now()
    await publish(program, { workspaceId, events: 1, payloadText: `{"publishedAt":${publishedAt}}` })
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  const sorted = receiver.takeLatencies().sort((a, b) => a - b)
  const at = (share: number) => Number(sorted[Math.floor(sorted.length * share)]?.toFixed(1))
  return { p50: at(0.5), p99: at(0.99) }
}

type Batch = { workspaceId: string; events: number; payloadText: string }

async function publish(program: Program, { workspaceId, events, payloadText }: Batch) {
  const list = Array.from({ length: events }, () => ({ eventType: 'bench.happened', payloadText }))
  const answer = await program.ask(
    `mutation ($input: EventPublishBatchInput!) {
      eventPublishBatch(input: $input) {
        __typename
        ... on Error { message }
      }
    }`,
    { input: { workspaceId, events: list } },
  )
  if (answer['eventPublishBatch']!['__typename'] !== 'EventPublishBatchSuccess') {
    throw new Error(JSON.stringify(answer))
  }
}
