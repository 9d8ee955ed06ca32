import { builder } from './builder.ts'
import { valuesOf } from './enum-values.ts'

/** Where a delivery stands. */
export const DeliveryStatusEnum = builder.enumType('DeliveryStatus', {
  description: 'Where a delivery stands.',
  values: valuesOf({
    PENDING: 'Not attempted yet.',
    RETRYING: 'Attempted without success; `nextAttemptAt` says when again.',
    SUCCEEDED: 'The receiver has it.',
    FAILED: 'The retry schedule is used up, or the receiver said never again.',
    CANCELED:
      'By a person, or because its endpoint was deleted. A request that was out then may have ' +
      'arrived all the same: its attempts tell.',
    SUPPRESSED: 'Its endpoint was disabled when the event was published. Can be replayed.',
  }),
})

/** Why there is a delivery. */
export const DeliveryTriggerEnum = builder.enumType('DeliveryTrigger', {
  description: 'Why there is a delivery.',
  values: valuesOf({
    EVENT: 'An event was published that its endpoint subscribes to.',
    PING: 'Somebody tried the endpoint, or the endpoint was new.',
    REPLAY: 'Somebody asked for events of the past.',
  }),
})

/** Why an attempt was made. */
export const AttemptTriggerEnum = builder.enumType('AttemptTrigger', {
  description: 'Why an attempt was made.',
  values: valuesOf({
    SCHEDULED: 'It was due.',
    MANUAL: 'A person asked for it.',
  }),
})

/** How an attempt ended. */
export const AttemptResultEnum = builder.enumType('AttemptResult', {
  description: 'How an attempt ended.',
  values: valuesOf({
    SUCCEEDED: 'A status of 200 to 299.',
    HTTP_ERROR: 'Any other status. Redirects are not followed.',
    TIMEOUT: 'No whole answer within the time the endpoint allows.',
    DNS_ERROR: 'The name of the host could not be resolved.',
    CONNECTION_ERROR: 'No connection, or it broke before there was an answer.',
    TLS_ERROR: 'No connection that can be trusted, for example an expired certificate.',
    ADDRESS_NOT_ALLOWED: 'The name leads to an address that requests must not go to.',
  }),
})
