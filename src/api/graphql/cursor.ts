import { createHmac, createSecretKey, hkdfSync, type KeyObject, timingSafeEqual } from 'node:crypto'

/**
 * What a cursor is good for: one list, in one workspace, with one filter. None of it is in the
 * cursor's text, it is only signed with it, so a cursor of another list is simply not valid.
 */
export type CursorScope = {
  readonly list: string
  /** Null: a list of the operator's. */
  readonly workspaceId: string | null
  /** As the caller gave it; fields that are null or absent make no difference. */
  readonly filter?: unknown
}

/** Writes and reads cursors. */
export type Cursors = {
  readonly write: (scope: CursorScope, position: Uint8Array) => string
  /** The position, or undefined for any text this list, workspace and filter did not give out. */
  readonly read: (scope: CursorScope, text: string) => Buffer | undefined
}

/** Half of SHA-256: 2^128 guesses, in 22 characters. RFC 2104 section 5 allows down to half. */
const signatureBytes = 16
/** Longer texts are not looked at: positions have at most 28 bytes. */
const cursorLengthMax = 100

/**
 * Cursors are positions with a signature, not secrets: what they hold is in the page as well. The
 * first of the encryption keys signs and all verify, so that replacing a key breaks no cursor.
 */
export function createCursors(encryptionKeys: readonly Uint8Array[]): Cursors {
  // A key of plain bytes costs several times as much with each signature.
  const keys = encryptionKeys.map((key) => {
    return createSecretKey(Buffer.from(hkdfSync('sha256', key, '', 'postrider cursor', 32)))
  })
  const [current] = keys
  if (!current) throw new Error('Cursors need at least one key.')
  return {
    write: (scope, position) => {
      const signed = Buffer.concat([position, sign(current, scope, position)])
      return signed.toString('base64url')
    },
    read: (scope, text) => {
      if (text.length > cursorLengthMax) return undefined
      const bytes = Buffer.from(text, 'base64url')
      // The decoder skips what it does not know: one cursor has one text.
      if (bytes.length <= signatureBytes || bytes.toString('base64url') !== text) return undefined
      const position = bytes.subarray(0, -signatureBytes)
      const given = bytes.subarray(-signatureBytes)
      const valid = keys.some((key) => timingSafeEqual(given, sign(key, scope, position)))
      return valid ? position : undefined
    },
  }
}

/** JSON holds no raw NUL, so what is before it cannot run over into the position. */
function sign(key: KeyObject, scope: CursorScope, position: Uint8Array): Buffer {
  const { list, workspaceId, filter } = scope
  const text = JSON.stringify([list, workspaceId, filter ?? {}], (_, value: unknown) => {
    return value === null ? undefined : value
  })
  const hmac = createHmac('sha256', key).update(`${text}\0`).update(position)
  return hmac.digest().subarray(0, signatureBytes)
}
