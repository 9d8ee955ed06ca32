import { socketsPerKeyMax } from '../../limits/live.ts'
import type { Caller } from '../caller.ts'

/** One socket's place among those of its key. */
export type Slot = {
  readonly keyId: string | null
  /** Gives the place to another. Only the first call does anything. */
  readonly give: () => void
}

/** Counts the sockets of each key. */
export type KeySlots = {
  /** Undefined where the key has `socketsPerKeyMax` already. */
  readonly take: (caller: Caller) => Slot | undefined
}

/** Counts from zero. The operator key of the configuration is one key like any other. */
export function newKeySlots(): KeySlots {
  const taken = new Map<string | null, number>()
  return {
    take: ({ keyId }) => {
      const count = taken.get(keyId) ?? 0
      if (count >= socketsPerKeyMax) return undefined
      taken.set(keyId, count + 1)
      let held = true
      const give = () => {
        if (!held) return
        held = false
        const left = (taken.get(keyId) ?? 1) - 1
        if (left > 0) taken.set(keyId, left)
        else taken.delete(keyId)
      }
      return { keyId, give }
    },
  }
}
