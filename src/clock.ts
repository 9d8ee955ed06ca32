/** Time as the program sees it. Tests move it; nothing else calls `Date.now`. */
export type Clock = { readonly now: () => Date }

export const systemClock: Clock = { now: () => new Date() }
