/** Whether a field holds one line, such as a name, or several, such as a description. */
export type TextLines = 'ONE_LINE' | 'MANY_LINES'

/**
 * What is wrong with text that people write and others read; its length is checked by whoever knows
 * the limit. Refused: what PostgreSQL cannot store (NUL), what is no Unicode, control
 * characters, what shows as nothing, and the characters that turn the order of what follows
 * them (bidirectional embeddings, overrides and isolates, Unicode annex 9), by which one
 * name can be made to look like another. The plain marks U+200E, U+200F and U+061C stay allowed.
 */
export function checkText(value: string, lines: TextLines = 'ONE_LINE'): string | undefined {
  const unstorable = checkStorable(value)
  if (unstorable) return unstorable
  const wrong = (lines === 'ONE_LINE' ? /\p{Cc}/u : /[^\P{Cc}\t\n\r]/u).exec(value)
  if (wrong) return `contains the control character ${codeOf(wrong[0])}.`
  const turning = /[\u202a-\u202e\u2066-\u2069]/.exec(value)
  if (turning) return `contains ${codeOf(turning[0])}, which changes the direction of text.`
  return /^[\s\p{Cf}]*$/u.test(value) ? 'must not be blank.' : undefined
}

/** What PostgreSQL can store neither as text nor in jsonb. */
export function checkStorable(value: string): string | undefined {
  if (value.includes('\0')) return 'contains a NUL character.'
  if (value.isWellFormed()) return undefined
  return `not valid Unicode (position ${value.search(/\p{Cs}/u)}).`
}

function codeOf(char: string): string {
  return `U+${char.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`
}
