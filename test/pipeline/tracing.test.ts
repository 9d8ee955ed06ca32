import { expect, test } from 'vitest'
import type { TracingConfig } from '../../src/tracing/tracer.ts'
import type { Json } from '../support/client.ts'
import { type Platform, startPlatform } from '../support/platform.ts'
import { type Receiver, startReceiver } from '../support/receiver.ts'

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const callersSpan = '00f067aa0ba902b7'

test('every attempt is part of the trace that published its event', async () => {
  await using collector = await startReceiver()
  await using receiver = await startReceiver([503, 200])
  const platform = await startPlatform({ config: { tracing: tracingTo(collector) } })
  const endpoint = await platform.addEndpoint(receiver.url, { retrySchedule: [1] })
  const eventId = await publishWithin(platform, `00-${traceId}-${callersSpan}-01`)
  await platform.watch.untilStatus('SUCCEEDED')
  const [delivery] = await platform.deliveries()
  await platform[Symbol.asyncDispose]()

  const [publish, first, second, ...others] = spansOf(collector)
  expect(others).toEqual([])
  expect(publish).toMatchObject({ name: 'publish', traceId, parentSpanId: callersSpan })
  expect(attributesOf(publish)).toMatchObject({ 'postrider.event.id': eventId })
  const part = { name: 'attempt', traceId, parentSpanId: publish.spanId }
  expect([first, second]).toMatchObject([part, part])
  const about = {
    'postrider.workspace.id': platform.tenant.workspaceId,
    'postrider.endpoint.id': endpoint.id,
    'postrider.delivery.id': delivery.id,
    'postrider.event.id': eventId,
  }
  expect(attributesOf(first)).toMatchObject({
    ...{ ...about, 'postrider.attempt.number': 1, 'http.response.status_code': 503 },
    ...{ 'postrider.attempt.result': 'HTTP_ERROR', 'error.type': 'HTTP_ERROR' },
  })
  expect(attributesOf(second)).toMatchObject({
    ...{ ...about, 'postrider.attempt.number': 2, 'http.response.status_code': 200 },
    'postrider.attempt.result': 'SUCCEEDED',
  })
  expect([first.status.code, second.status.code]).toEqual([2, 0])
})

test('a receiver is told of the attempt it is part of', async () => {
  await using collector = await startReceiver()
  await using receiver = await startReceiver()
  const platform = await startPlatform({ config: { tracing: tracingTo(collector) } })
  await platform.addEndpoint(receiver.url)
  await platform.publish()
  const { headers } = await receiver.next()
  await platform.watch.untilStatus('SUCCEEDED')
  const [delivery] = await platform.deliveries()
  await platform[Symbol.asyncDispose]()

  const attempt = spansOf(collector).find(({ name }) => name === 'attempt')
  expect(headers['traceparent']).toBe(`00-${attempt.traceId}-${attempt.spanId}-01`)
  const told = { name: 'traceparent', value: headers['traceparent'] }
  expect(delivery.attempts[0].request.headers).toContainEqual(told)
})

test('no span holds a secret, a payload or a path', async () => {
  await using collector = await startReceiver()
  await using receiver = await startReceiver()
  const platform = await startPlatform({ config: { tracing: tracingTo(collector) } })
  const headers = [{ name: 'X-Api-Key', value: 'hunter2' }]
  const { secret } = await platform.addEndpoint(`${receiver.url}token-in-path`, { headers })
  await platform.publish({ payloadText: '{"name":"Ada"}' })
  await platform.watch.untilStatus('SUCCEEDED')
  await platform[Symbol.asyncDispose]()

  const sent = collector.requests.map(({ body }) => body.toString()).join()
  expect(sent).toContain('"attempt"')
  for (const hidden of [secret, 'hunter2', 'Ada', 'token-in-path', platform.tenant.key]) {
    expect(sent).not.toContain(hidden)
  }
})

test('without tracing a trace is neither kept nor handed on', async () => {
  await using receiver = await startReceiver()
  await using platform = await startPlatform()
  await platform.addEndpoint(receiver.url)
  await publishWithin(platform, `00-${traceId}-${callersSpan}-01`)
  const { headers } = await receiver.next()
  expect(headers['traceparent']).toBe(undefined)
  const { rows } = await platform.bundle.database.pool.query('select traceparent from event')
  expect(rows).toEqual([{ traceparent: null }])
})

test('a collector that is away delays neither deliveries nor the end', async () => {
  const collector = await startReceiver()
  await collector[Symbol.asyncDispose]()
  await using receiver = await startReceiver()
  const platform = await startPlatform({ config: { tracing: tracingTo(collector) } })
  await platform.addEndpoint(receiver.url)
  await platform.publish()
  await platform.watch.untilStatus('SUCCEEDED')
  const endedAt = performance.now()
  await platform[Symbol.asyncDispose]()
  expect(performance.now() - endedAt).toBeLessThan(10_000)
})

function tracingTo({ url }: Receiver): TracingConfig {
  return { url: `${url}v1/traces`, serviceName: 'test', ratio: 1, followsParent: true }
}

/** Publishes as part of a caller's span. Answers the event's id. */
async function publishWithin({ client }: Platform, traceparent: string): Promise<string> {
  const query = `mutation {
    eventPublish(input: { eventType: "invoice.paid", payload: { n: 1 } }) {
      ... on EventPublishSuccess { event { id } }
    }
  }`
  const headers = { 'content-type': 'application/json', traceparent }
  const body = JSON.stringify({ query })
  const { data } = await client.fetch('/graphql', { method: 'POST', headers, body })
  return data.eventPublish.event.id
}

/** Everything a collector was sent, in the order in which it began. */
function spansOf({ requests }: Receiver): Json[] {
  const spans: Json[] = requests.flatMap(({ url, body }) => {
    expect(url).toBe('/v1/traces')
    const { resourceSpans } = JSON.parse(body.toString())
    return resourceSpans.flatMap(({ scopeSpans }: Json) => {
      return scopeSpans.flatMap((scope: Json) => scope.spans)
    })
  })
  const startOf = ({ startTimeUnixNano }: Json) => Number(BigInt(startTimeUnixNano) / 1_000_000n)
  return spans.toSorted((a, b) => startOf(a) - startOf(b) || (a.name === 'publish' ? -1 : 1))
}

function attributesOf({ attributes }: Json): Record<string, unknown> {
  return Object.fromEntries(
    attributes.map(({ key, value }: Json) => [key, value.stringValue ?? value.intValue]),
  )
}
