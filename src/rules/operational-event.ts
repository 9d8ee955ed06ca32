import { publicId } from './id.ts'
import type { AttemptResult } from './outcome.ts'

/**
 * The operator's own workspace, made by a migration. Endpoints in it may subscribe to what the
 * program reports of all others; nothing that happens in it is reported, so that a report that
 * cannot be delivered never makes another one.
 */
export const operatorWorkspaceId = '00000000-0000-7000-8000-000000000001'

/** Begins the name of each event type that is the program's own. */
export const operationalPrefix = 'postrider.'

/** Whether only the program may publish this type, and only the operator subscribe to it. */
export function isOperational(eventTypeOrPattern: string): boolean {
  return eventTypeOrPattern.startsWith(operationalPrefix)
}

/** What the program reports, with what each report tells besides its endpoint. */
type Details = {
  'endpoint.disabled': { readonly reason: 'GONE' | 'FAILING' }
  'endpoint.recovered': { readonly downSince: Date }
  'delivery.failed': {
    readonly deliveryId: string
    readonly eventId: string
    readonly eventType: string
    readonly attemptCount: number
    readonly result: AttemptResult
    readonly statusCode: number | null
    readonly errorMessage: string | null
  }
}

/** Something of an endpoint that its operator may want to hear of. */
export type News = {
  readonly workspaceId: string
  readonly endpointId: string
  readonly at: Date
} & { readonly [Kind in keyof Details]: { readonly kind: Kind } & Details[Kind] }[keyof Details]

/** What a report says of its endpoint, so that nobody has to ask who that is. */
export type Subject = {
  readonly workspaceId: string
  readonly workspaceExternalId: string | null
  readonly endpointId: string
  readonly endpointExternalId: string | null
  readonly url: string
}

/** The type of event that reports it. */
export function operationalType({ kind }: Pick<News, 'kind'>): string {
  return operationalPrefix + kind
}

/** The payload of that event; the migration that names the type has its schema. */
export function operationalPayload(news: News, subject: Subject): string {
  const about = {
    workspaceId: publicId('ws', subject.workspaceId),
    workspaceExternalId: subject.workspaceExternalId,
    endpointId: publicId('wh', subject.endpointId),
    endpointExternalId: subject.endpointExternalId,
    url: subject.url,
  }
  return JSON.stringify({ ...about, ...detailsOf(news) })
}

function detailsOf(news: News): object {
  const { at } = news
  if (news.kind === 'endpoint.disabled') return { reason: news.reason, disabledAt: at }
  if (news.kind === 'endpoint.recovered') return { downSince: news.downSince, recoveredAt: at }
  const { eventType, attemptCount, result, statusCode, errorMessage } = news
  return {
    deliveryId: publicId('dlv', news.deliveryId),
    eventId: publicId('evt', news.eventId),
    ...{ eventType, attemptCount, result, statusCode, errorMessage, failedAt: at },
  }
}
