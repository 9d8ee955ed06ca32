/** One request as an inbox keeps it. */
export type InboxRequest = {
  readonly receivedAt: Date
  readonly method: string
  /** Path and query. */
  readonly path: string
  /** In the order and spelling of the wire. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: string
  /** What the sender was answered. */
  readonly status: number
}
