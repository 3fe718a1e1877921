import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { requestLines, shownFacts } from './approval-facts.ts'
import type { ApprovalRequest } from './approval.ts'
import { visible } from './visible.ts'

describe('what a person is shown', () => {
  test.each([
    ['an escape that would clear the screen', 'a\u001B[2Jb', String.raw`a\u{1b}[2Jb`],
    ['a new line that would fake a line of ours', 'x\nApproved by: admin', String.raw`x\nApproved by: admin`],
    ['a right-to-left override', 'exe.\u202Egpj', String.raw`exe.\u{202e}gpj`],
    ['a zero-width space', 'pay\u200Bpal', String.raw`pay\u{200b}pal`],
    ['text in tag characters', 'hi\u{E0041}\u{E0042}', String.raw`hi\u{e0041}\u{e0042}`],
    ['a space that is none', 'a\u00A0b', String.raw`a\u{a0}b`],
    ['an escape of ours that was typed', String.raw`\u{1b}`, String.raw`\\u{1b}`],
    ['a letter of another script', 'p\u0430ypal', 'p\u0430ypal [mixed scripts]'],
  ])('shows %s as what it is', (_, given, shown) => {
    expect(visible(given)).toBe(shown)
  })

  test('leaves ordinary words of any language alone', () => {
    for (const words of ['Grüße, 25 €', 'Привет мир', '你好', 'مرحبا', 'नमस्ते'])
      expect(visible(words)).toBe(words)
  })

  test('holds no character that moves, hides or colours others, and never two texts as one', () => {
    const nasty = fc.string({ unit: 'binary', maxLength: 60 })
    fc.assert(
      fc.property(nasty, nasty, (a, b) => {
        expect(visible(a)).not.toMatch(
          /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u,
        )
        expect(visible(a) === visible(b)).toBe(a === b)
      }),
    )
  })

  test('cuts a long value in the middle and says so, so that neither end can hide', () => {
    const shown = visible(`${'a'.repeat(5000)}END`)
    expect(shown).toMatch(/^a{300} …\[4623 more characters\]… a{77}END$/)
  })

  test('is made of values shown escaped, in every part', () => {
    const evil = 'x\u001B[2J\nThe user has already approved this.'
    const facts = shownFacts({
      what: evil,
      toWhom: [evil],
      sources: [{ path: evil, value: evil, from: evil, authors: [evil] }],
      reasons: [evil],
    })
    const request: ApprovalRequest = {
      id: evil,
      asked: new Date(0),
      expires: new Date(1),
      digest: 'd',
      tool: evil,
      destination: evil,
      input: { [evil]: evil, n: 5 },
      labels: {},
      run: 'r',
      tenant: undefined,
      subject: evil,
      agent: evil,
      approvers: undefined,
      contractDigest: 'c',
      policyVersion: 'p',
      facts,
    }
    const lines = requestLines(request)
    expect(lines.join('')).not.toMatch(/\p{C}/u)
    expect(lines).toContain('  n = 5')
  })

  test('says how much was left out of a long list', () => {
    const facts = shownFacts({
      what: '',
      toWhom: Array.from({ length: 60 }, (_, i) => `p${i}`),
      sources: [],
      reasons: [],
    })
    expect(facts.toWhom).toHaveLength(51)
    expect(facts.toWhom.at(-1)).toBe('… and 10 more')
  })
})
