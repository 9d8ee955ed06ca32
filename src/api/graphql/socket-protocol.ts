import { CloseCode, type Context as SocketContext, makeServer } from 'graphql-ws'
import type { WebSocket } from 'ws'
import { AppError } from '../../errors.ts'
import { socketInitMsMax, socketsPerKeyMax, subscriptionsPerSocketMax } from '../../limits/live.ts'
import type { Caller } from '../caller.ts'
import { countSocketOperation } from '../counted-request.ts'
import type { Services } from '../services.ts'
import type { KeySlots, Slot } from './key-slots.ts'
import {
  beginOperation,
  type Operation,
  refusalOf,
  resultsOfOperation,
} from './socket-operation.ts'

/** One socket and what is known of who holds it. */
export type Guest = {
  readonly socket: WebSocket
  slot: Slot | null
  /** As sent in `connection_init`; undefined before it was accepted. */
  authorization: string | undefined
  caller: Caller | undefined
  /** It has answered the last ping. */
  isAlive: boolean
  /** Frames it has sent since the last check. */
  frames: number
}

type Params = Record<string, unknown>
type Connection = SocketContext<Params, Guest>

/** Clients come back by themselves, later. */
const tryAgainLater = 1013

/** What graphql-transport-ws leaves to its server: who may come in, and what is executed. */
export function protocolOf(services: Services, slots: KeySlots) {
  return makeServer<Params, Guest>({
    connectionInitWaitTimeout: socketInitMsMax,
    onConnect: (connection) => letIn(connection, services, slots),
    onSubscribe: async ({ subscriptions, extra }, _id, payload) => {
      // The new one is among them already.
      if (Object.keys(subscriptions).length > subscriptionsPerSocketMax) {
        return [refusalOf(tooManySubscriptions(), services)]
      }
      const { caller } = extra
      if (!caller) throw new Error('A socket subscribes before it was let in.')
      const refusal = await countSocketOperation(caller, services)
      if (refusal) return [refusalOf(refusal, services)]
      return beginOperation({ payload, caller, services })
    },
    subscribe: (operation) => resultsOfOperation(operation as Operation),
  })
}

/** Answers false to a socket that it has closed. */
async function letIn(
  { connectionParams, extra: guest }: Connection,
  { callers, log }: Services,
  slots: KeySlots,
): Promise<boolean> {
  const { Authorization, authorization = Authorization } = connectionParams ?? {}
  const key = typeof authorization === 'string' ? authorization : undefined
  const authentication = await callers.authenticate(key).catch((error: unknown) => {
    log.warn({ err: error }, 'could not tell whose key it is')
  })
  if (!authentication) return turnAway(guest, tryAgainLater, 'Try again later.')
  if (!authentication.ok) return turnAway(guest, CloseCode.Forbidden, authentication.message)
  const { caller } = authentication
  if (!giveSlot(guest, caller, slots)) {
    return turnAway(guest, tryAgainLater, `At most ${socketsPerKeyMax} sockets for one key.`)
  }
  guest.authorization = key
  guest.caller = caller
  return true
}

function turnAway({ socket }: Guest, code: number, reason: string): false {
  socket.close(code, reason)
  return false
}

/** A client that sent its key with the request as well has a place already. */
function giveSlot(guest: Guest, caller: Caller, slots: KeySlots): boolean {
  if (guest.slot?.keyId === caller.keyId) return true
  const slot = slots.take(caller)
  if (!slot) return false
  guest.slot?.give()
  guest.slot = slot
  // It may have left while its key was looked up.
  if (guest.socket.readyState !== guest.socket.OPEN) slot.give()
  return true
}

function tooManySubscriptions(): AppError {
  const message = `At most ${subscriptionsPerSocketMax} subscriptions on one socket.`
  return new AppError('LIMIT_EXCEEDED', message, { limit: subscriptionsPerSocketMax })
}
