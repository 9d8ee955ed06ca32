import type { Role } from '../../src/config.ts'
import { startDatabase, type BenchDatabase } from './database.ts'
import { payloadOf, type EventWish } from './publishing.ts'
import { startProgram, type Program } from './program.ts'
import { startReceiver, type Receiver } from './receiver.ts'
import { startUndici, type UndiciLimit } from './undici-limit.ts'
import { addEndpoints, addEventTypes, addWorkspace } from './workspace.ts'

/** A program with a database, and one receiver for it. */
export type Rig = AsyncDisposable & {
  readonly database: BenchDatabase
  readonly program: Program
  readonly receiver: Receiver
}

/** All of it new and empty. */
export async function openRig(roles?: readonly Role[]): Promise<Rig> {
  await using resources = new AsyncDisposableStack()
  const receiver = resources.use(await startReceiver())
  const database = resources.use(await startDatabase())
  const program = resources.use(await startProgram(database, roles))
  const kept = resources.move()
  return { database, program, receiver, [Symbol.asyncDispose]: () => kept.disposeAsync() }
}

/** What throughput is measured with: a workspace whose endpoints all get the same events. */
export type Load = {
  readonly event: EventWish
  readonly endpointIds: readonly string[]
  readonly publishers: number
}

export type LoadWish = {
  readonly endpoints: number
  readonly bytes: number
  readonly publishers: number
}

/** The event type that every endpoint of a load gets. */
export const commonEventType = 'bench.happened'

/** Adds a workspace with its endpoints. */
export async function addLoad({ program, receiver }: Rig, wish: LoadWish): Promise<Load> {
  const workspaceId = await addWorkspace(program)
  await addEventTypes(program, [commonEventType])
  const urls = Array.from({ length: wish.endpoints }, (_, index) => `${receiver.origin}/${index}`)
  const endpoints = { workspaceId, urls, eventType: commonEventType }
  const payloadText = payloadOf(wish.bytes)
  return {
    event: { workspaceId, eventType: commonEventType, payloadText },
    endpointIds: await addEndpoints(program, endpoints),
    publishers: wish.publishers,
  }
}

/** The limit of this load: the same bodies to the same receiver. */
export function startLimit({ receiver }: Rig, { event }: Load): Promise<UndiciLimit> {
  return startUndici(receiver, event.payloadText)
}
