/**
 * The bounds of the embedded default: its PostgreSQL and its inbox. They are kept by the rules of
 * `limits.ts`: each with its reason, units last.
 */

/** From its start until it takes connections: after a crash it first reads its log again. */
export const embeddedStartMsMax = 60_000
/** For each way of asking it to stop, from the gentle one to the next. */
export const embeddedStopMsMax = 10_000
/** Its log; the one before is kept. */
export const embeddedLogBytesMax = 10 * 1024 * 1024

/** Inboxes kept; the one that was silent longest makes room. */
export const inboxesMax = 20
/** Requests kept of one inbox, as many as a person scrolls through. */
export const inboxRequestsMax = 50
/** Kept of one inbox; 20 of them are 40 MB. One request has at most `requestBytesMax`. */
export const inboxBytesMax = 2 * 1024 * 1024
/** The longest `?delay=`: over the longest timeout of an endpoint, so that one can be watched. */
export const inboxDelayMsMax = 35_000
