import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import { CloseCode, type Context as SocketContext, handleProtocols, makeServer } from 'graphql-ws'
import { type WebSocket, WebSocketServer } from 'ws'
import { AppError } from '../../errors.ts'
import {
  socketCloseMsMax,
  socketFragmentsMax,
  socketInitMsMax,
  socketKeyCheckEveryMs,
  socketMessageBytesMax,
  socketPingEveryMs,
  socketsMax,
  subscriptionsPerSocketMax,
} from '../../limits.ts'
import type { Services } from '../services.ts'

export {}
