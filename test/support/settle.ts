import type { Hub } from '../../src/feed/hub.ts'
import { publicId, uuidOf } from '../../src/rules/id.ts'
import type { DeliveryStatus } from '../../src/rules/delivery-state.ts'
import { anyDelivery } from '../../src/store/delivery-filter.ts'

/** One change of a delivery, in public ids. */
export type SeenChange = {
  readonly deliveryId: string
  readonly endpointId: string
  readonly status: DeliveryStatus
  readonly previousStatus: DeliveryStatus | null
  readonly attemptNumber: number
}

/** The feed of one workspace, kept: a test waits for what it shows, and never for a time. */
export type Watch = AsyncDisposable & {
  /** Everything since the watch began, in order. */
  readonly changes: readonly SeenChange[]
  /** Resolves as soon as it holds, now or after some change. */
  readonly until: (holds: (changes: readonly SeenChange[]) => boolean) => Promise<void>
  /** Resolves when this many deliveries came to a status, each counted once. */
  readonly untilStatus: (status: DeliveryStatus, count?: number) => Promise<void>
}

/** Begins to watch a workspace; what happened before is not shown. */
export async function watchDeliveries(
  hub: Pick<Hub, 'subscribe'>,
  workspaceId: string,
): Promise<Watch> {
  const uuid = uuidOf('ws', workspaceId) ?? workspaceId
  const subscriber = hub.subscribe({
    workspaceId: uuid,
    after: null,
    filter: anyDelivery,
    withAttempts: false,
  })
  await subscriber.next() // the checkpoint it begins with
  const changes: SeenChange[] = []
  const waiting = new Set<() => void>()
  const listening = listen()

  async function listen(): Promise<void> {
    for (let item = await subscriber.next(); !item.done; item = await subscriber.next()) {
      if (item.value.kind !== 'CHANGE') continue
      const { delivery, status, previousStatus, attemptNumber } = item.value.change
      const deliveryId = publicId('dlv', delivery.id)
      const endpointId = publicId('wh', delivery.endpointId)
      changes.push({ deliveryId, endpointId, status, previousStatus, attemptNumber })
      for (const wake of waiting) wake()
      waiting.clear()
    }
  }

  async function until(holds: (changes: readonly SeenChange[]) => boolean): Promise<void> {
    while (!holds(changes)) await new Promise<void>((resolve) => waiting.add(resolve))
  }
  return {
    changes,
    until,
    untilStatus: (status, count = 1) => {
      return until((seen) => {
        const reached = seen.filter((change) => change.status === status)
        return new Set(reached.map(({ deliveryId }) => deliveryId)).size >= count
      })
    },
    [Symbol.asyncDispose]: async () => {
      await subscriber.return()
      await listening
    },
  }
}
