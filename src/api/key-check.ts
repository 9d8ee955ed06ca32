import type { Callers } from './caller.ts'

/** Somebody who came in with a key, and stays. */
export type KeyHolder = {
  /** As it was sent; undefined before it was. */
  readonly authorization: string | undefined
}

/** A holder whose key is no good any more, and what to say. */
export type RefusedHolder<Holder> = { readonly holder: Holder; readonly message: string }

/**
 * Who of these holds a key that was revoked, has expired or is gone with its workspace. A database
 * that is down revokes nothing.
 */
export async function refusedHolders<Holder extends KeyHolder>(
  holders: Iterable<Holder>,
  callers: Callers,
): Promise<RefusedHolder<Holder>[]> {
  const byKey = Map.groupBy(holders, ({ authorization }) => authorization)
  const keys = [...byKey.keys()].filter((key) => key !== undefined)
  try {
    await callers.refresh(keys)
    const known = await Promise.all(keys.map((key) => callers.authenticate(key)))
    return keys.flatMap((key, index) => {
      const authentication = known[index]
      if (!authentication || authentication.ok) return []
      const { message } = authentication
      return (byKey.get(key) ?? []).map((holder) => ({ holder, message }))
    })
  } catch {
    return []
  }
}
