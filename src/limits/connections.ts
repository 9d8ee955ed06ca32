/**
 * The bounds of a process' connections to the database, but for those of `limits.ts`, by whose
 * rules they are kept. All together they are at most 44.
 */

/** Of the ORM, for all that people change. */
export const ormConnectionsMax = 10
/** Where the log is listed. */
export const logConnectionsMax = 10
/** One of these keeps its plans while nobody asks for so long, and in all so long. */
export const logConnectionIdleMs = 600_000
export const logConnectionSeconds = 3_600
