/**
 * The bounds of the feed, and of the sockets and streams it is watched over. They are kept by the
 * rules of `limits.ts`: each with its reason, units last.
 */

export const checkpointEveryMs = 15_000
export const feedPollMs = 1_000
/** Between two reads of the feed's end: what commits meanwhile shares the next one. */
export const feedGapMs = 20
/** Changes and workspaces that one statement of the feed reads. */
export const feedReadChangesMax = 500
export const feedReadWorkspacesMax = 50
/** Subscribers of one process that read what they missed at a time; the others wait their turn. */
export const feedCatchUpsMax = 4
export const subscriberQueueMax = 1_000
/** Events of a subscription that are executed together, so that they share their statements. */
export const subscriptionBatchMax = 50
/** Sockets and streams of one key in one process, together. */
export const socketsPerKeyMax = 50
export const subscriptionsPerSocketMax = 20
export const socketMessageBytesMax = 64 * 1024
/**
 * Sockets of one process, those included that have not said who they are; and streams of one
 * process.
 */
export const socketsMax = 5_000
/** A socket that has not said who it is by then is closed. */
export const socketInitMsMax = 3_000
/** Frames of a client in a second: all its subscriptions twice over, and pings. */
export const socketFramesMax = 100
/** Parts of one message. */
export const socketFragmentsMax = 128
/** Sent on a socket before its subscriptions wait for the client to take some. */
export const socketAheadBytesMax = 64 * 1024
/** Sent, but not taken by the client: a socket with more is closed. */
export const socketUnsentBytesMax = 4 * 1024 * 1024
/** A client that has not answered one ping by the next is gone. */
export const socketPingEveryMs = 12_000
/** For the closing handshake; a client that is slower is cut off. */
export const socketCloseMsMax = 1_000
/** Of a stream that is quiet: proxies close connections that say nothing for a minute. */
export const streamPingEveryMs = 12_000
/** A client that takes nothing of its stream for this long is gone. */
export const streamStallMsMax = 60_000
