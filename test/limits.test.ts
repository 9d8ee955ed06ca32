import { expect, test } from 'vitest'
import * as connections from '../src/limits/connections.ts'
import * as embedded from '../src/limits/embedded.ts'
import * as limits from '../src/limits.ts'
import * as forgetting from '../src/limits/forgetting.ts'
import * as replays from '../src/limits/replays.ts'
import * as live from '../src/limits/live.ts'

/* Bounds that only make sense together: whoever changes one learns here which other it moves. */

const {
  timeoutSecondsMin,
  timeoutSecondsDefault,
  timeoutSecondsMax,
  payloadBytesMax,
  requestBytesMax,
} = limits
const leaseMs = limits.leaseSeconds * 1000
const dnsMs = limits.dnsTimeoutMs * (2 ** limits.dnsTriesMax - 1)
const dialMs = limits.dialAddressMs * (limits.dialAddressesMax - 1)
const successionMs = leaseMs + 2 * limits.superviseEverySeconds * 1000 + limits.claimEveryMs

/** Each list rises, or stays level, from left to right. */
const rising: readonly (readonly [what: string, values: readonly number[]])[] = [
  ['timeouts', [timeoutSecondsMin, timeoutSecondsDefault, timeoutSecondsMax]],
  ['a payload fits a request', [payloadBytesMax + 4096, requestBytesMax]],
  ['the longest payload fits the buffer', [payloadBytesMax, limits.laneBufferBytesMax]],
  ['a schema fits a request', [limits.eventTypeJsonBytesMax, requestBytesMax]],
  ['metadata fits a request', [limits.metadataBytesMax, requestBytesMax]],
  ['a small request is one', [limits.smallRequestBytesMax, requestBytesMax]],
  ['depth of JSON', [limits.jsonDepthMax, limits.payloadDepthMax]],
  ['a pattern meets a long text', [limits.patternSizeMax * 10_000, limits.patternStepsMax]],
  ['a header fits', [limits.customHeaderValueBytesMax, limits.customHeadersBytesMax]],
  ['secrets in bytes', [limits.secretBytesMin, limits.secretBytesMax]],
  ['secrets in characters', [limits.secretLengthMin, limits.secretLengthMax]],
  ['old secrets', [limits.previousSecretTtlSecondsDefault, limits.previousSecretTtlSecondsMax]],
  ['windows', [limits.windowStart, limits.windowMax, limits.laneBufferMax]],
  ['a window is one of many', [limits.windowMax, limits.inFlightMax]],
  ['a page has room', [limits.pageSizeMin, limits.laneBufferMax]],
  ['lanes without work', [limits.lanesLingeringMax, limits.lanesMax]],
  ['lanes of one claim', [limits.claimBatchMax, limits.lanesMax]],
  ['a lease is renewed twice before it lapses', [2 * limits.heartbeatEveryMs, leaseMs]],
  [
    'a lease that is renewed in time has no margin left to fear',
    [limits.heartbeatEveryMs + limits.leaseMarginMs, leaseMs],
  ],
  ['a dead owner is succeeded within 15 s', [successionMs, 15_000]],
  ['a name is looked up in time', [dnsMs, timeoutSecondsDefault * 1000]],
  ['all addresses are dialled in time', [dialMs, timeoutSecondsDefault * 1000]],
  ['connections age', [limits.keepAliveMs, limits.connectionAgeMsMax]],
  ['headers kept', [limits.responseHeadersBytesMax, limits.responseHeadersReadBytesMax]],
  ['attempts in 12 bits', [limits.retriesMax + 1, limits.attemptsPerDeliveryMax, 2 ** 12 - 1]],
  ['probes', [limits.circuitProbeFirstSeconds, limits.circuitProbeMaxSeconds]],
  [
    'a revoked key is refused within 5 s',
    [limits.apiKeyCacheMs + limits.apiKeyCheckEveryMs, 5_000],
  ],
  ['a query ends before its request', [limits.queryMsMax, limits.requestMsMax]],
  ['statements', [limits.databaseTimeoutMs, limits.statementMsMax, limits.queryMsMax]],
  ['a publish is given up before its offer', [limits.statementMsMax, limits.offerLateMsMax]],
  ['readiness is told in time', [limits.readyMsMax, limits.databaseTimeoutMs]],
  ['requests end before the drain', [limits.drainRequestsMs, limits.drainMsMax]],
  ['ids of one notification', [limits.notifyIdsMax * 37, 8_000]],
  ['a skew is warned of first', [limits.clockSkewWarnMs, limits.clockStepBackMsMax]],
  ['an inbox keeps any request', [requestBytesMax, embedded.inboxBytesMax]],
  ['an inbox outwaits any sender', [timeoutSecondsMax * 1000, embedded.inboxDelayMsMax]],
  ['sockets', [live.socketsPerKeyMax, live.socketsMax]],
  ['a document fits a message', [limits.queryLengthMax, live.socketMessageBytesMax]],
  ['frames for all subscriptions', [2 * live.subscriptionsPerSocketMax, live.socketFramesMax]],
  ['a batch of the feed fits its queue', [live.subscriptionBatchMax, live.subscriberQueueMax]],
  ['what began before a deletion has ended', [limits.requestMsMax, forgetting.eraseLastMs]],
  [
    'a turn of a replay ends before its successor',
    [limits.statementMsMax, replays.replayTurnMsMax],
  ],
  ['rests of a replay', [replays.replayRestMs, replays.replayRestMsMax]],
  [
    'slices',
    [
      ...[replays.replaySliceMin, replays.replaySliceStart, replays.replaySliceMax],
      replays.replayScanMax,
    ],
  ],
  [
    'connections outlive a pause',
    [connections.logConnectionIdleMs, connections.logConnectionSeconds * 1000],
  ],
  ['the feed is polled between checkpoints', [live.feedPollMs, live.checkpointEveryMs]],
]

test.each(rising)('bounds agree: %s', (_what, values) => {
  expect(values).toEqual(values.toSorted((a, b) => a - b))
})

test('every bound is a whole number above nothing', () => {
  const all = { ...limits, ...live, ...embedded, ...forgetting, ...replays, ...connections }
  const wrong = Object.entries(all).filter(([, value]) => {
    return typeof value === 'number' && !(Number.isInteger(value) && value > 0)
  })

  expect(wrong).toEqual([])
})
