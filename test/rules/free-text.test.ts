import { describe, expect, test } from 'vitest'
import { checkText } from '../../src/rules/free-text.ts'

describe('free text', () => {
  test.each([
    ['a\0b', 'contains a NUL character.'],
    ['a\u0007', 'contains the control character U+0007.'],
    ['a\u0085', 'contains the control character U+0085.'],
    ['a\u007f', 'contains the control character U+007F.'],
    ['a\ud800', 'not valid Unicode (position 1).'],
    ['', 'must not be blank.'],
    [' \u00a0\u3000', 'must not be blank.'],
    ['\u200b\u2060\ufeff', 'must not be blank.'],
    ['a\u202eb', 'contains U+202E, which changes the direction of text.'],
    ['a\u2066b', 'contains U+2066, which changes the direction of text.'],
  ])('is refused: %j', (text, problem) => {
    expect(checkText(text)).toBe(problem)
    expect(checkText(text, 'MANY_LINES')).toBe(problem)
  })

  test.each(['a', ' a ', 'Zürich 北京 😀', 'שלום', 'a\u200fb', '👩‍👩‍👧', '<b>', '--'])(
    'is accepted: %s',
    (text) => expect(checkText(text)).toBeUndefined(),
  )

  test.each(['\n', '\t', '\r\n'])('has %j only where lines are many', (space) => {
    expect(checkText(`a${space}b`)).toContain('contains the control character')
    expect(checkText(`a${space}b`, 'MANY_LINES')).toBeUndefined()
  })
})
