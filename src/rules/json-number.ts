import { skipNumber, skipString } from './json-text.ts'

/** A number that would not survive being parsed and serialised again, and where it stands. */
export type LossyNumber = {
  /** Names and list positions, from the outermost in. */
  readonly path: readonly string[]
  /** As it is written. */
  readonly source: string
}

/**
 * Whether a JSON number, as written, loses something when it is parsed and serialised: its value
 * (12345678901234567890, 1e400), a digit behind the point (1.10, 1.0), or its sign (-0). Another
 * spelling of the same digits is no loss (1e3 becomes 1000).
 */
export function losesDigits(source: string): boolean {
  const shown = JSON.stringify(Number(source))
  if (shown === source) return false
  const before = readDecimal(source)
  const after = readDecimal(shown)
  if (!before || !after || before.negative !== after.negative) return true
  return before.digits !== after.digits || before.lastPlace < after.lastPlace
}

type Decimal = {
  readonly negative: boolean
  /** Without zeros at either end; empty for zero. */
  readonly digits: string
  /** Power of ten of the last digit that is written, zero or not. */
  readonly lastPlace: number
}

function readDecimal(source: string): Decimal | undefined {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/i.exec(source)
  if (!match) return undefined
  const [, sign, whole = '', fraction = '', exponent = '0'] = match
  const written = (whole + fraction).replace(/^0+/, '')
  return {
    negative: sign === '-',
    digits: withoutTrailingZeros(written),
    lastPlace: Number(exponent) - fraction.length,
  }
}

/** A loop: `/0+$/` takes time with the square of the length on zeros that do not end the text. */
function withoutTrailingZeros(digits: string): string {
  let end = digits.length
  while (digits[end - 1] === '0') end--
  return digits.slice(0, end)
}

/** A container that is open, and the position or the span of the key that was reached in it. */
type Frame = {
  readonly list: boolean
  index: number
  expectsKey: boolean
  keyStart: number
  keyEnd: number
}

/**
 * The lossy numbers of a valid JSON text, found one by one: who needs the first pays for no more.
 * Digits inside strings are text and never meant. Text that is not JSON ends the search.
 */
export function* lossyNumbers(text: string): Generator<LossyNumber, void> {
  const frames: Frame[] = []
  let at = 0
  while (at >= 0 && at < text.length) {
    const char = text.charAt(at)
    if (char === '"') {
      const end = skipString(text, at)
      noteKey(frames.at(-1), at, end)
      at = end
    } else if (char === '-' || isDigit(char)) {
      const end = skipNumber(text, at)
      if (!isShortInteger(text, at, end) && losesDigits(text.slice(at, end))) {
        yield { path: frames.map((frame) => nameOf(text, frame)), source: text.slice(at, end) }
      }
      at = end
    } else {
      noteStructure(frames, char)
      at++
    }
  }
}

function noteKey(frame: Frame | undefined, start: number, end: number): void {
  if (!frame?.expectsKey) return
  frame.expectsKey = false
  frame.keyStart = start
  frame.keyEnd = end
}

function noteStructure(frames: Frame[], char: string): void {
  if (char === '{' || char === '[') {
    const list = char === '['
    frames.push({ list, index: 0, expectsKey: !list, keyStart: 0, keyEnd: 0 })
  } else if (char === '}' || char === ']') {
    frames.pop()
  } else if (char === ',') {
    const frame = frames.at(-1)
    if (!frame) return
    frame.index++
    frame.expectsKey = !frame.list
  }
}

function nameOf(text: string, frame: Frame): string {
  if (frame.list) return String(frame.index)
  return String(JSON.parse(text.slice(frame.keyStart, frame.keyEnd)))
}

/** Digits alone, few enough to be exact: most numbers are, and need no parsing. */
function isShortInteger(text: string, start: number, end: number): boolean {
  if (end - start > 15) return false
  for (let at = start; at < end; at++) if (!isDigit(text.charAt(at))) return false
  return true
}

function isDigit(char: string): boolean {
  return char >= '0' && char <= '9'
}
