/* What the wall's questions are filled with. A new argument that fits none of this fails a test. */

/** What a text in an argument or an input stands for. */
export type TextMeaning =
  /** Names one thing of one workspace, as its id would. */
  | { readonly kind: 'NAME' }
  /** A place in a list or in the feed. */
  | { readonly kind: 'CURSOR' }
  /** Nothing of anybody's; this is given where one is required. */
  | { readonly kind: 'VALUE'; readonly value: unknown }

const name = { kind: 'NAME' } as const
const cursor = { kind: 'CURSOR' } as const
const value = (given: unknown) => ({ kind: 'VALUE', value: given }) as const

/** By the name of the argument or field, or by `Type.field` where the name alone is not enough. */
export const textMeanings: Readonly<Record<string, TextMeaning>> = {
  after: cursor,
  before: cursor,
  externalId: name,
  idempotencyKey: name,
  description: value('For people'),
  eventType: value('invoice.paid'),
  eventTypes: value(['*']),
  'DeliveryFilter.eventTypes': value(['invoice.paid']),
  'EventFilter.eventTypes': value(['invoice.paid']),
  name: value('wall'),
  payloadText: value('{"wall":true}'),
  secret: value('whsec_d2FsbHdhbGx3YWxsd2FsbHdhbGx3YWxsd2FsbA=='),
  url: value('https://example.com/wall'),
  value: value('wall'),
}

/** What is given besides what is required and what is asked about, by `Type` or `Type.field`. */
export const besides: Readonly<Record<string, object>> = {
  BatchEventInput: { payloadText: '{"wall":true}' },
  EndpointUpdateInput: { ordered: true },
  EventPublishInput: { payloadText: '{"wall":true}' },
  WorkspaceUpdateInput: { name: 'wall' },
  ApiKeyCreateInput: { scopes: ['READ'] },
}

/** The type whose ids an argument takes, where neither its name nor its owner's says it. */
export const idMeanings: Readonly<Record<string, string>> = {
  'AuditLogFilter.targetId': 'Endpoint',
}

/** Nodes that belong to no workspace: every key that may read sees them. */
export const sharedNodes: readonly string[] = ['EventType']

/** Asked about, though even its own key is answered the same; with the reason. */
export const sameForAll: Readonly<Record<string, string>> = {
  'Subscription.deliveryChanges(filter.eventId)': 'A stream begins the same whatever it shows.',
}

/** Fields that differ from one moment to the next, whoever asks. */
export const movingFields: readonly string[] = [
  'DeliveryConnection.streamCursor',
  'StreamCheckpoint.cursor',
  'Viewer.rateLimit',
]
