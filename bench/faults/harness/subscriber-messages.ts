/** How a subscriber behaves: reads, stops reading for good, or will be cut off without a word. */
export type Manner = 'reads' | 'sticks' | 'vanishes'

/** One subscriber to be. */
export type Subscription = {
  readonly url: string
  readonly key: string
  readonly workspaceId: string
  readonly manner: Manner
}

/** To the subscribers' process. */
export type Order =
  | { readonly kind: 'open'; readonly subscriptions: readonly Subscription[] }
  /** Those that stick read on, to see that they were closed. */
  | { readonly kind: 'wake' }
  /** Compare with all changes there were, as `id status`. */
  | { readonly kind: 'report'; readonly expected: readonly string[] }

/** What the subscribers have seen. */
export type Sight = {
  /** Subscribers that were told where they begin. */
  readonly begun: number
  /** Of readers: changes that one did not get, over all of them. */
  readonly missing: number
  /** Of readers: changes that came more than once. */
  readonly repeated: number
  /** Of readers: times one came back and went on from its cursor. */
  readonly resumed: number
  /** Of those that stick: closed by the server. */
  readonly stuckClosed: number
}
