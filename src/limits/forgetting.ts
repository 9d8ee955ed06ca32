// Forgetting: deleted workspaces, and purged payloads.

/** Deleted workspaces are looked for this often. */
export const eraseEveryMs = 5_000
/** Their last rows go when all that began before the deletion must have ended. */
export const eraseLastMs = 120_000
/** Every lane hears within this time that its endpoint was changed: news come every second. */
export const lanesToldMs = 2_000
/** Events whose payloads one mutation purges. */
export const purgeEventsMax = 100
/** Of one event, where results of the same deliveries are recorded at once. */
export const purgeTriesMax = 3
