import { TextDecoder } from 'node:util'
import { responseBodyBytesMax } from '../../limits.ts'
import { attemptUuid, publicId } from '../../rules/id.ts'
import { sentBody } from '../../rules/sent-body.ts'
import type { StoredAttempt } from '../../store/attempt.ts'
import type { TenantKey } from '../../store/endpoint.ts'
import { builder } from './builder.ts'
import type { Context } from './context.ts'
import { AttemptResultEnum, AttemptTriggerEnum } from './delivery-enums.ts'
import { HttpHeaderRef, type ShownHeader, showHeader } from './http-header.ts'
import { attemptKey } from './log-key.ts'
import { AttemptRef } from './refs.ts'

builder.node(AttemptRef, {
  id: { resolve: (attempt) => publicId('att', keyOf(attempt).id) },
  loadOne: async (id, context) => {
    const key = await attemptKey(context, id)
    return key && context.loaders.attempt.load(key)
  },
  authScopes: { read: true },
  description: 'One HTTP request and how it ended.',
  fields: (t) => ({
    number: t.exposeInt('number', { description: "Its place among the delivery's attempts: 1 …" }),
    trigger: t.expose('trigger', { type: AttemptTriggerEnum, description: 'Why it was made.' }),
    result: t.expose('result', { type: AttemptResultEnum, description: 'How it ended.' }),
    errorMessage: t.exposeString('errorMessage', {
      nullable: true,
      description: 'Why it was no success, in words; null for a success.',
    }),
    startedAt: t.expose('startedAt', { type: 'DateTime', description: 'When it was sent.' }),
    durationMs: t.exposeInt('durationMs', {
      description: 'From looking up the name to the end of the answer, in ms.',
    }),
    request: t.field({
      type: AttemptRequestRef,
      description: 'What was sent.',
      resolve: (attempt) => attempt,
    }),
    response: t.field({
      type: AttemptResponseRef,
      nullable: true,
      description: 'What came back; null where nothing did.',
      resolve: (attempt) => (attempt.statusCode === null ? null : attempt),
    }),
  }),
})

const AttemptRequestRef = builder.objectRef<StoredAttempt>('AttemptRequest')

builder.objectType(AttemptRequestRef, {
  description: 'What was sent, byte for byte.',
  fields: (t) => ({
    method: t.string({ description: 'Always POST.', resolve: () => 'POST' }),
    url: t.field({
      type: 'URL',
      description: "The endpoint's URL at that time.",
      resolve: async (attempt, _args, context) => (await exchangeOf(attempt, context)).url,
    }),
    headers: t.field({
      type: [HttpHeaderRef],
      description: 'In their order, the signature included; all but `connection`.',
      resolve: async (attempt, _args, context) => {
        return showHeaders((await exchangeOf(attempt, context)).requestHeaders)
      },
    }),
    body: t.string({
      description: 'Empty once the payload was removed.',
      resolve: bodyOf,
    }),
  }),
})

const AttemptResponseRef = builder.objectRef<StoredAttempt>('AttemptResponse')

builder.objectType(AttemptResponseRef, {
  description: 'What came back.',
  fields: (t) => ({
    statusCode: t.int({ description: 'The HTTP status.', resolve: (it) => it.statusCode ?? 0 }),
    headers: t.field({
      type: [HttpHeaderRef],
      description: 'In their order.',
      resolve: async (attempt, _args, context) => {
        return showHeaders((await exchangeOf(attempt, context)).responseHeaders ?? '')
      },
    }),
    body: t.string({
      description:
        `The first ${responseBodyBytesMax} bytes as they came, never decompressed, read as ` +
        'UTF-8 with replacement characters where they are not.',
      resolve: async (attempt, _args, context) => {
        const { responseBody } = await exchangeOf(attempt, context)
        return responseBody ? utf8.decode(responseBody) : ''
      },
    }),
    bodyTruncated: t.boolean({
      description: 'Whether there was more of it.',
      resolve: async (attempt, _args, context) => {
        return (await exchangeOf(attempt, context)).responseBodyTruncated
      },
    }),
  }),
})

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true })

function keyOf({ workspaceId, deliveryId, number }: StoredAttempt): TenantKey {
  return { workspaceId, id: attemptUuid(deliveryId, number) }
}

async function exchangeOf(attempt: StoredAttempt, { loaders }: Context) {
  const exchange = await loaders.exchange.load(keyOf(attempt))
  if (!exchange) throw new Error('An attempt is gone while it is read.')
  return exchange
}

async function bodyOf(attempt: StoredAttempt, _args: object, context: Context): Promise<string> {
  const { workspaceId, deliveryId } = attempt
  const delivery = await context.loaders.delivery.load({ workspaceId, id: deliveryId })
  const eventId = delivery?.eventId
  const event = eventId && (await context.loaders.payload.load({ workspaceId, id: eventId }))
  const payloadText = event && event.payloadText
  if (typeof payloadText !== 'string') return ''
  const { requestHeaders } = await exchangeOf(attempt, context)
  const names = headerLines(requestHeaders).map(([name]) => name)
  return sentBody(payloadText, { headerNames: names, sentAt: attempt.startedAt })
}

function showHeaders(text: string): ShownHeader[] {
  return headerLines(text).map(([name, value]) => showHeader(name, value))
}

function headerLines(text: string): [name: string, value: string][] {
  return text.split('\n').flatMap((line) => {
    const end = line.indexOf(': ')
    return end < 0 ? [] : [[line.slice(0, end), line.slice(end + 2)]]
  })
}
