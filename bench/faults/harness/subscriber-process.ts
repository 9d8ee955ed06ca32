import { WebSocket } from 'ws'
import type { Order, Sight, Subscription } from './subscriber-messages.ts'

/*
 * Subscribers to the feed, in a process of their own: graphql-transport-ws by hand. A reader that
 * loses its socket comes back and goes on from the last cursor it saw.
 */
const query = `subscription ($workspaceId: ID!, $after: String) {
  deliveryChanges(workspaceId: $workspaceId, after: $after) {
    kind: __typename
    ... on DeliveryChange { cursor status delivery { id } }
    ... on StreamCheckpoint { cursor }
  }
}`
const comeBackAfterMs = 300

class Subscriber {
  readonly #subscription: Subscription
  #socket: WebSocket
  #cursor: string | null = null
  /** How often each change came. */
  readonly seen = new Map<string, number>()
  resumed = 0
  isClosed = false
  #isAwake = false

  constructor(subscription: Subscription) {
    this.#subscription = subscription
    this.#socket = this.#open()
  }

  get manner(): Subscription['manner'] {
    return this.#subscription.manner
  }

  get hasBegun(): boolean {
    return this.#cursor !== null
  }

  wake(): void {
    this.#isAwake = true
    this.#socket.resume()
  }

  #open(): WebSocket {
    const { url, key } = this.#subscription
    const socket = new WebSocket(url, 'graphql-transport-ws', { perMessageDeflate: false })
    socket.on('open', () => {
      const payload = { authorization: `Bearer ${key}` }
      socket.send(JSON.stringify({ type: 'connection_init', payload }))
    })
    socket.on('message', (bytes: Buffer) => this.#hear(JSON.parse(bytes.toString()) as Message))
    socket.on('error', () => {}) // followed by `close`
    socket.on('close', () => this.#lose())
    return socket
  }

  #lose(): void {
    this.isClosed = true
    if (this.manner !== 'reads') return
    setTimeout(() => (this.#socket = this.#open()), comeBackAfterMs)
  }

  #hear({ type, payload }: Message): void {
    if (type === 'ping') return this.#socket.send('{"type":"pong"}')
    if (type === 'connection_ack') return this.#subscribe()
    if (type !== 'next') throw new Error(`A subscription failed: ${JSON.stringify(payload)}`)
    const item = payload?.data?.deliveryChanges
    if (item?.kind === 'StreamReset') throw new Error('The feed forgot a cursor.')
    if (!item) throw new Error(`No item: ${JSON.stringify(payload)}`)
    this.#cursor = item.cursor
    if (item.kind === 'DeliveryChange') {
      const change = `${item.delivery.id} ${item.status}`
      this.seen.set(change, (this.seen.get(change) ?? 0) + 1)
    }
    if (this.manner === 'sticks' && !this.#isAwake) this.#socket.pause()
  }

  #subscribe(): void {
    if (this.hasBegun) this.resumed += 1
    const variables = { workspaceId: this.#subscription.workspaceId, after: this.#cursor }
    this.#socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query, variables } }))
  }
}

type Item = {
  readonly kind: string
  readonly cursor: string
  readonly status: string
  readonly delivery: { readonly id: string }
}
type Message = {
  readonly type: string
  readonly payload?: { readonly data?: { readonly deliveryChanges?: Item } }
}

const subscribers: Subscriber[] = []

process.on('message', (order: Order) => {
  if (order.kind === 'open') {
    for (const one of order.subscriptions) subscribers.push(new Subscriber(one))
  } else if (order.kind === 'wake') {
    for (const one of subscribers) if (one.manner === 'sticks') one.wake()
  } else process.send?.(sightOf(order.expected))
})
process.on('disconnect', () => process.exit())

function sightOf(expected: readonly string[]): Sight {
  const readers = subscribers.filter(({ manner }) => manner === 'reads')
  const sum = (valueOf: (reader: Subscriber) => number) => {
    return readers.reduce((total, reader) => total + valueOf(reader), 0)
  }
  return {
    begun: subscribers.filter(({ hasBegun }) => hasBegun).length,
    missing: sum(({ seen }) => expected.filter((change) => !seen.has(change)).length),
    repeated: sum(({ seen }) => [...seen.values()].filter((times) => times > 1).length),
    resumed: sum(({ resumed }) => resumed),
    stuckClosed: subscribers.filter(({ manner, isClosed }) => manner === 'sticks' && isClosed)
      .length,
  }
}
