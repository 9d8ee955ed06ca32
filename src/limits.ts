/**
 * Every bound of the program, with its reason. A wait without a limit or a buffer without a bound
 * is a bug (promise P9). Units are the last word of a name.
 */

/** The unit of retention, of partitions and of everything else that is counted in days. */
export const dayMs = 24 * 3600 * 1000

// What is published.
/** One payload. Receivers' own limits start at 256 KiB (AWS API Gateway, Slack). */
export const payloadBytesMax = 256 * 1024
/** Nesting of a payload: the text travels as it is, but is read to be shown and to be validated. */
export const payloadDepthMax = 512
/** Events in one batch. */
export const batchEventsMax = 1000
export const idempotencyKeyLengthMax = 255
/** How far ahead `deliverAt` may lie. */
export const deliverAtDaysMax = 30

// What people set up.
export const nameLengthMax = 128
export const descriptionLengthMax = 1024
export const externalIdLengthMax = 128
export const metadataBytesMax = 16 * 1024
/** JSON nesting that is read at all. Node's own JSON.stringify overflows its stack near 5,000. */
export const jsonDepthMax = 64
export const eventTypeNameLengthMax = 128
export const eventTypesPerEndpointMax = 100
export const eventTypesMax = 5000
/** A schema or an example. A schema becomes code, about ten times its size. */
export const eventTypeJsonBytesMax = 64 * 1024
/** Steps of a schema's pattern; at worst a character takes each of them. `.{1,255}` has 516. */
export const patternSizeMax = 600
/** For the patterns of one payload: 0.2 s at worst. The longest list of UUIDs just fits. */
export const patternStepsMax = 10_000_000
/** References a schema may follow for one payload, which has at most a quarter as many values. */
export const schemaReferencesMax = 500_000
export const endpointsPerWorkspaceMax = 1000
export const urlLengthMax = 2048
/** Secrets that are still signing after rotations. */
export const previousSecretsMax = 10
export const previousSecretTtlSecondsDefault = 24 * 3600
export const previousSecretTtlSecondsMax = 30 * 24 * 3600
/** Bytes behind `whsec_`: what the Standard Webhooks specification asks for. */
export const secretBytesMin = 24
export const secretBytesMax = 64
/** Characters of a secret in the formats that take any text. */
export const secretLengthMin = 16
export const secretLengthMax = 128
export const customHeadersMax = 50
export const customHeaderNameLengthMax = 256
export const customHeaderValueBytesMax = 4096
/** Names and values of all custom headers together. Common servers refuse 16 KiB of headers. */
export const customHeadersBytesMax = 8 * 1024
export const retriesMax = 20
export const retryDelaySecondsMax = 7 * 24 * 3600
export const rateLimitPerSecondMax = 10_000
/** Requests in a minute that a key may be allowed; 0 allows any number. */
export const rateLimitPerMinuteMax = 1_000_000
/** Neither revoked nor expired. Nobody can tell apart, or look after, more. */
export const apiKeysPerWorkspaceMax = 100

// Publishing.
/** Requests of `eventPublish` whose events share one transaction. */
export const publishRequestsMax = 256
/** Deliveries one transaction of publishing creates: more would hold it for seconds. */
export const deliveriesPerPublishMax = 50_000
/** Workspaces whose subscriptions are kept compiled in memory. */
export const subscriptionCachesMax = 2_000

// Lanes, and what they hold.
/** Requests in flight for one endpoint. */
export const windowStart = 8
export const windowMax = 128
/** Requests in flight in one process: sockets, and answers held in memory. */
export const inFlightMax = 1024
/**
 * Requests begun between two looks at the sockets, about 60 µs each. With 64 a single publish
 * beside a burst takes 50 ms, with 16 it takes 16, at the same rate or a better one.
 */
export const startsPerTurnMax = 16
/** Deliveries a lane holds in memory, waiting, in flight and being recorded. */
export const laneBufferMax = 256
/** Payloads a lane holds in memory, give or take one: four of the longest are out at a time. */
export const laneBufferBytesMax = 4 * payloadBytesMax
/** Room in a lane's buffer that makes reading a page worth a statement: for rows, for payloads. */
export const pageSizeMin = 64
export const pageBytesMin = 256 * 1024
/** Lanes one process owns at a time; the rest waits in the queue. */
export const lanesMax = 2000
/** With more lanes than this one without work is given back at once. */
export const lanesLingeringMax = lanesMax / 2
/** A lane without work is kept this long, so that the next event finds it open. */
export const laneLingerMs = 10_000
/** A lane gives itself back after this long, so that lanes spread over new workers. */
export const laneTenureMs = 10 * 60_000
/** Lanes whose next pages are read by one statement. */
export const loadLanesMax = 32
/** Payloads that are read together, give or take one. */
export const loadBytesMax = 32 * 1024 * 1024
/** Between tries of reading a page while the database is away. */
export const loadRetryMs = 250
/** A 429 that names no time rests the lane this long. */
export const overloadPauseMs = 1_000

// Who owns a lane.
/** The lease of a lane: its job's heartbeat. */
export const leaseSeconds = 10
export const heartbeatEveryMs = 3_000
/**
 * Lapsed leases are looked for this often, by any process. One that dies having said that it looks
 * costs as much again: 10 s, twice 2 s and a claim, so that a dead owner is succeeded within 15 s.
 */
export const superviseEverySeconds = 2
/** A lease counts as lapsed this long before it is: nobody starts an attempt at its last moment. */
export const leaseMarginMs = 1_500
/** A lane whose lease may have lapsed looks for its renewal this often. */
export const leaseLookAgainMs = 500
/** Looking for waiting lanes while nobody says there are any. */
export const claimEveryMs = 500
/** Lanes claimed by one statement: few, so that workers that start together share them. */
export const claimBatchMax = 32

// What wakes a lane.
/** The load and the sweep look this far ahead; a timer in the process does the rest. */
export const dueHorizonMs = 1_000
/** How often due deliveries without a lane are looked for. */
export const sweepEveryMs = 1_000
export const sweepLanesMax = 1_000
/** How often open lanes hear what other processes changed or published. */
export const newsEveryMs = 1_000
/** Offers come at most so long after their delivery was made: a publish is given up by then. */
export const offerLateMsMax = 15_000
/** Retries of one lane that it remembers; later ones are found by the sweep. */
export const remindersMax = 256
/** Retries due within the same step are read together. */
export const reminderStepMs = 250
/** How often a lane at work reads its table from the start, for what it may have missed. */
export const remindBusyLaneMs = 5_000
/** Parked endpoints a process remembers, so as not to wake them in vain. */
export const parkedLanesMax = 50_000

// One request to a receiver.
export const timeoutSecondsMin = 1
export const timeoutSecondsMax = 30
export const timeoutSecondsDefault = 15
/** Stored of an answer's body; more is read no further. */
export const responseBodyBytesMax = 16 * 1024
/** Stored of an answer's headers. */
export const responseHeadersBytesMax = 8 * 1024
/** Read of an answer's headers; more is no answer. Node's own client and servers read as much. */
export const responseHeadersReadBytesMax = 16 * 1024
/** `Retry-After` only postpones, and never by more than a day. */
export const retryAfterSecondsMax = 24 * 3600
/** Attempts of one delivery, manual ones included: an attempt's id holds its number in 12 bits. */
export const attemptsPerDeliveryMax = 4095
/** Kept open between requests. Pooled sockets skip the address check, so not for long. */
export const keepAliveMs = 15_000
/** A busy connection closes at this age, so that its name is looked up and judged anew. */
export const connectionAgeMsMax = 60_000
/** Connections kept open in one process while nothing is sent on them. */
export const idleConnectionsMax = 2048
/** Before a question is asked again, then twice as long. 3 s is enough for a slow authority. */
export const dnsTimeoutMs = 1_000
export const dnsTriesMax = 2
/** Addresses of one name that are dialled, one after the other. */
export const dialAddressesMax = 4
/** Before the next address is dialled instead; the last one has the time that is left. */
export const dialAddressMs = 500

// Records.
export const recordBatchMax = 400
export const recordWaitMs = 5
/** Between tries of recording while the database is away. */
export const recordRetryMs = 200
/** A success is worth a row of health this often. */
export const healthStoreEveryMs = 1_000

// The circuit of an endpoint.
/** Failures in a row after which a lane parks. */
export const circuitFailuresMax = 50
export const circuitProbeFirstSeconds = 30
export const circuitProbeMaxSeconds = 300
/** Failing this long without one success disables an endpoint. */
export const autoDisableDays = 5
/** How often endpoints that failed for that long are looked for. */
export const autoDisableEveryMs = 60_000

// The API.
/** A request's body is in memory as a whole until it is read: four of the longest payloads. */
export const requestBytesMax = 1024 * 1024
/** A request with a longer body is large: it waits until few others of its kind run. */
export const smallRequestBytesMax = 32 * 1024
export const largeRequestsMax = 2
/** From a request's first byte to its last: slower ones are cut off. */
export const requestMsMax = 30_000
/** One query of the API: a rare filter over a very large log is given up, and says so. */
export const queryMsMax = 20_000
export const pageSizeMax = 100
/** Nobody reads further: a count stops here and says so. */
export const countMax = 10_000
export const queryDepthMax = 12
export const queryTokensMax = 2_000
export const queryLengthMax = 15_000
export const rootFieldsMax = 10
export const aliasesMax = 30
/** Lines of comment in a query. */
export const commentsMax = 100
/** Of one selection set. Validation compares them two by two: 400 with fields cost it 100 ms. */
export const selectionsMax = 100
export const directivesMax = 50
export const queryCostMax = 5_000
export const variableKeysMax = 10_000
export const nodesMax = 100
/** How long it is taken for known which days the log has partitions for. */
export const logSpanMsMax = 10_000
/** Bars of an endpoint's statistics: a day of minutes, and as many as a screen has columns. */
export const statsBucketsMax = 1_500

// Keys, and how much they may ask.
/** An API key is read again after this: a revoked one is refused everywhere within 5 s. */
export const apiKeyCacheMs = 3_000
/**
 * How often the keys of open sockets and streams are looked at. They are read anew one check before
 * they are too old, so a revoked one loses them after `apiKeyCacheMs` at the latest, give or take
 * one statement.
 */
export const apiKeyCheckEveryMs = 1_000
export const apiKeyCacheMax = 10_000
/** When keys were last used is written this often, all keys in one statement. */
export const apiKeyTouchEveryMs = 10_000
/** Requests that one statement counts. */
export const rateLimitBatchMax = 500
/** A key's limit is handed to processes in this many parts: the default one request by request. */
export const rateLimitBlocks = 100
/** Counting that takes longer is done alone, and tried together again after the second of these. */
export const rateLimitWaitMs = 2_000
export const rateLimitAloneMs = 1_000

// Hints between processes.
/**
 * Between two announcements: NOTIFY takes a lock of the whole database at commit. An event that is
 * published here and delivered there took 31 ms in the middle with 50, and 15 with 20, at the same
 * throughput.
 */
export const notifyEveryMs = 20
/** Workspaces one notification names; with more it says "any". PostgreSQL takes 8,000 bytes. */
export const notifyIdsMax = 150
/** Between tries to hear other processes again while the database is away. */
export const listenAgainMs = 1_000

// The database.
/** Of the data plane. `limits/connections.ts` has the others: 44 in all, of PostgreSQL's 100. */
export const databaseConnectionsMax = 20
export const queueConnectionsMax = 4
/** A database that does not answer in this time is unavailable. */
export const databaseTimeoutMs = 5_000
/** One statement of the data plane; the largest publish takes about a quarter of it. */
export const statementMsMax = 10_000
/** A migration waits this long for a lock, and everybody else behind it. */
export const migrationLockMs = 10_000
/** pg-boss' finished jobs are removed this often. It looks through all of them every 5 s. */
export const jobsDeleteEverySeconds = 60

// The log, and what is done to it.
/** Partitions of the log that are made ahead, in days, and how often that is looked after. */
export const partitionsAheadDays = 7
export const partitionsEveryMs = 3_600_000
/** Making and dropping partitions waits this long for its lock, and publishing behind it. */
export const partitionLockMs = 2_000
/** Rows that one statement of a duty cancels or deletes, so that nobody waits for it. */
export const dutyBatchMax = 1_000
/** A year and a month: "the same time last year" is still in the audit log. */
export const auditRetentionDays = 396

// The process.
/** From a signal to the end. Kubernetes kills after 30 s unless told otherwise. */
export const drainMsMax = 20_000
/** How soon meanwhile a connection is closed whose answer was sent. */
export const closeIdleEveryMs = 100
/** Requests to receivers may end for this long; then they are given up, to be made again. */
export const drainRequestsMs = 17_000
/** A database that does not answer in this time makes the process unready. */
export const readyMsMax = 2_000
/** Waiting deliveries are counted up to here; beyond, PostgreSQL's own estimate is shown. */
export const dueCountMax = 10_000
/** How often the difference to the database's clock is measured, and when it is worth a warning. */
export const clockReadEveryMs = 60_000
export const clockSkewWarnMs = 30_000
/**
 * A clock set back by no more than this leaves ids rising from the last one. A larger step is
 * followed: ids far ahead of the time would fall into partitions that do not exist yet.
 */
export const clockStepBackMsMax = 60_000

// Traces.
/** Spans that wait to be sent: half a second's worth at full load. More are dropped. */
export const tracesQueueMax = 4_096
/** One batch of spans, and the last one at the end. */
export const tracesFlushMsMax = 2_000
