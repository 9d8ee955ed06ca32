/** JSON text judged: how deep it nests, or where (UTF-16 index from 0) it stops being JSON. */
export type JsonScan =
  | { readonly valid: true; readonly depth: number }
  | { readonly valid: false; readonly position: number }

const quote = 0x22
const comma = 0x2c
const minus = 0x2d
const dot = 0x2e
const zero = 0x30
const colon = 0x3a
const bracket = 0x5b
const backslash = 0x5c
const brace = 0x7b
/** From an opening bracket or brace to its closing one, in ASCII. */
const toCloser = 2

/**
 * Reads one JSON document (RFC 8259) without building it, and accepts exactly what `JSON.parse`
 * accepts. Unlike that it always says where the fault is, and no nesting can overflow it.
 *
 * The steps below return the index behind what they read, or, where that is not JSON, the bitwise
 * complement of the position of the fault: always negative.
 */
export function scanJson(text: string): JsonScan {
  const closers: number[] = []
  let depth = 0
  let at = skipSpace(text, 0)
  while (at >= 0) {
    const code = text.charCodeAt(at)
    if (code === brace || code === bracket) {
      depth = Math.max(depth, closers.push(code + toCloser))
      at = skipSpace(text, at + 1)
      if (text.charCodeAt(at) !== code + toCloser) {
        if (code === brace) at = skipKey(text, at)
        continue
      }
    } else {
      at = skipScalar(text, at)
    }
    at = close(text, at, closers)
    if (closers.length === 0) return at < text.length ? fault(at) : { valid: true, depth }
    at = nextMember(text, at, closers)
  }
  return fault(at)
}

function fault(at: number): JsonScan {
  return { valid: false, position: at < 0 ? ~at : at }
}

/** Behind a value, and behind every container that ends there. */
function close(text: string, start: number, closers: number[]): number {
  if (start < 0) return start
  let at = skipSpace(text, start)
  while (closers.length > 0 && text.charCodeAt(at) === closers.at(-1)) {
    closers.pop()
    at = skipSpace(text, at + 1)
  }
  return at
}

/** Over the comma to the next value, in an object over its key too. */
function nextMember(text: string, at: number, closers: readonly number[]): number {
  if (at < 0) return at
  if (text.charCodeAt(at) !== comma) return ~at
  const next = skipSpace(text, at + 1)
  return closers.at(-1) === brace + toCloser ? skipKey(text, next) : next
}

function skipKey(text: string, start: number): number {
  if (text.charCodeAt(start) !== quote) return ~start
  const end = skipString(text, start)
  if (end < 0) return end
  const at = skipSpace(text, end)
  return text.charCodeAt(at) === colon ? skipSpace(text, at + 1) : ~at
}

function skipScalar(text: string, at: number): number {
  const code = text.charCodeAt(at)
  if (code === quote) return skipString(text, at)
  if (code === minus || isDigit(code)) return skipNumber(text, at)
  if (text[at] === 't') return skipWord(text, at, 'true')
  if (text[at] === 'f') return skipWord(text, at, 'false')
  return text[at] === 'n' ? skipWord(text, at, 'null') : ~at
}

function skipWord(text: string, start: number, word: string): number {
  if (text.startsWith(word, start)) return start + word.length
  let at = start + 1
  while (text[at] === word[at - start]) at++
  return ~at
}

/** From the opening quote of a string to behind its closing one. */
export function skipString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === quote) return at + 1
    if (code < 0x20) return ~at
    if (code !== backslash) continue
    at = skipEscape(text, at)
    if (at < 0) return at
  }
  return ~text.length
}

/** To the last character of an escape. */
function skipEscape(text: string, start: number): number {
  const kind = text[start + 1] ?? ''
  if (kind !== 'u') return kind !== '' && '"\\/bfnrt'.includes(kind) ? start + 1 : ~(start + 1)
  for (let at = start + 2; at < start + 6; at++) {
    if (!/[\da-f]/i.test(text.charAt(at))) return ~at
  }
  return start + 5
}

/** From the first character of a number to behind its last one. */
export function skipNumber(text: string, start: number): number {
  let at = text.charCodeAt(start) === minus ? start + 1 : start
  at = text.charCodeAt(at) === zero ? at + 1 : skipDigits(text, at)
  if (at >= 0 && text.charCodeAt(at) === dot) at = skipDigits(text, at + 1)
  if (at < 0 || (text[at] !== 'e' && text[at] !== 'E')) return at
  const signed = text[at + 1] === '+' || text[at + 1] === '-'
  return skipDigits(text, signed ? at + 2 : at + 1)
}

function skipDigits(text: string, start: number): number {
  let at = start
  while (isDigit(text.charCodeAt(at))) at++
  return at > start ? at : ~at
}

function isDigit(code: number): boolean {
  return code >= zero && code <= 0x39
}

function skipSpace(text: string, start: number): number {
  let at = start
  while (isSpace(text.charCodeAt(at))) at++
  return at
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09
}
