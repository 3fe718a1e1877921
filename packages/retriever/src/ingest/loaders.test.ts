import { describe, expect, test } from 'vitest'
import { loadHtml } from './load-html.ts'
import { loadMail } from './load-mail.ts'
import { loadMarkdown } from './load-markdown.ts'
import { loadText } from './load-text.ts'
import type { Load, Loaded } from './loader.ts'
import { parseMail } from './parse-mail.ts'

const options = { signal: new AbortController().signal, source: 'x', mediaType: '' }
const load = async (loader: Load, given: string | Uint8Array): Promise<Loaded> =>
  loader(typeof given === 'string' ? Buffer.from(given) : given, options)

describe('text', () => {
  test('UTF-8 and UTF-16 are read, and bytes that are neither are counted', async () => {
    expect(await load(loadText, 'naïve')).toEqual({ text: 'naïve', unreadable: 0 })
    const wide = Buffer.from('\uFEFFnaïve', 'utf16le')
    expect(await load(loadText, wide)).toEqual({ text: 'naïve', unreadable: 0 })
    expect(await load(loadText, Buffer.from('naïve', 'latin1'))).toEqual({
      text: 'na\uFFFDve',
      unreadable: 1,
    })
  })
})

describe('Markdown', () => {
  test('the title is the first heading, and front matter is text', async () => {
    const text = '---\n# not: this\nreaders: [everyone]\n---\n\nIntro\n\n# The *title* #\n\n## Sub'
    expect(await load(loadMarkdown, text)).toEqual({ text, title: 'The *title*', unreadable: 0 })
    expect(await load(loadMarkdown, 'no heading\n#hash')).toEqual({
      text: 'no heading\n#hash',
      unreadable: 0,
    })
  })
})

describe('HTML', () => {
  test('what a reader sees is read, in blocks', async () => {
    const html =
      '<html><head><title>Returns &amp; refunds</title><style>p { }</style></head><body><h1>Returns</h1>' +
      '<p>Send it <b>back</b>\n  soon.</p><ul><li>one</li><li>two</li></ul>' +
      '<table><tr><td>a</td><td>b</td></tr></table><pre>x\n    y</pre><img alt="A cup" src="x"></body></html>'
    const { text, title } = await load(loadHtml, html)
    expect(title).toBe('Returns & refunds')
    expect(text).toBe('Returns\n\nSend it back soon.\n\none\n\ntwo\n\na\tb\n\nx\n    y\nA cup')
  })

  test('comments and hidden elements are left out, and counted', async () => {
    const html =
      '<p>Seen</p><!-- send all -->\n<p hidden>secret</p><div style="color:red; DISPLAY : none"><b>secret</b></div>' +
      '<script>secret()</script><template><p>secret</p></template><p>Seen too</p>'
    expect(await load(loadHtml, html)).toMatchObject({ text: 'Seen\n\nSeen too', hidden: 34 })
  })

  test('HTML that is broken or deep is read to its end, and refused before its depth costs minutes', async () => {
    expect((await load(loadHtml, '<p>a<p>b</div></b>c<i>d')).text).toBe('a\n\nbcd')
    expect((await load(loadHtml, `${'<div>'.repeat(1000)}deep`)).text).toBe('deep')
    await expect(async () => load(loadHtml, '<div>'.repeat(400_000))).rejects.toThrow(/deeper/)
    expect((await load(loadHtml, '<head><meta charset="windows-1252"><p>caf\u00E9')).text).toContain('caf')
    expect((await load(loadHtml, Buffer.from('<meta charset=latin1><p>café', 'latin1'))).text).toBe('café')
  })

  test('a charset that nobody knows is an error, not a guess', async () => {
    await expect(async () => load(loadHtml, '<meta charset="klingon">x')).rejects.toThrow(/charset/)
  })
})

describe('mail', () => {
  const mail = (header: string, body: string): string => `From: Eve <eve@evil.example>\n${header}\n\n${body}`

  test('who, when, about what and the text are read, and the subject is the title', async () => {
    const header =
      'To: us@shop.example\nDate: Mon, 14 Jul 2025 08:00:00 +0000\nSubject: =?utf-8?B?w7xiZXI=?=\n more'
    expect(await load(loadMail, mail(header, 'Hello').replaceAll('\n', '\r\n'))).toMatchObject({
      title: 'über more',
      text:
        'From: Eve <eve@evil.example>\nTo: us@shop.example\nDate: Mon, 14 Jul 2025 08:00:00 +0000\n' +
        'Subject: über more\n\nHello',
    })
  })

  test('plain text is preferred, HTML is read where there is no other, and attachments are counted', async () => {
    const type = 'Content-Type: multipart/mixed; boundary="b"'
    const nested =
      '--b\nContent-Type: multipart/alternative; boundary=b2\n\n--b2\nContent-Type: text/html\n\n<p>html</p>\n' +
      '--b2\nContent-Type: text/plain; charset="iso-8859-1"\nContent-Transfer-Encoding: quoted-printable\n\n' +
      'caf=E9 and l=\nong\n--b2--\n--b\nContent-Type: text/plain\nContent-Disposition: attachment\n\nnot this\n' +
      '--b\nContent-Type: image/png\nContent-Transfer-Encoding: base64\n\nAAAA\n--b--\nepilogue'
    expect(await load(loadMail, mail(type, nested))).toMatchObject({
      text: 'From: Eve <eve@evil.example>\n\ncafé and long',
      attachments: 2,
    })
    const html = await load(loadMail, mail('Content-Type: text/html', '<p>Hi<!-- send all --> there</p>'))
    expect(html).toMatchObject({ text: 'From: Eve <eve@evil.example>\n\nHi there', hidden: 8 })
  })

  test('a mail that is nested without end, or in pieces without number, is refused', () => {
    let deep = 'x'
    for (let i = 0; i < 30; i += 1)
      deep = `Content-Type: multipart/mixed; boundary=b${i}x\n\n--b${i}x\n${deep}\n--b${i}x--`
    expect(() => parseMail(deep)).toThrow(/deeper/)
    expect(() =>
      parseMail(`Content-Type: multipart/mixed; boundary=b\n\n${'--b\n\nx\n'.repeat(2000)}`),
    ).toThrow(/more than/)
  })

  test('of two headers with one name the one above counts, and a word that cannot be read stays as it is', () => {
    const { headers } = parseMail(
      'Subject: ours\nSubject: theirs\nX: =?klingon?Q?a?= =?utf-8?Q?=C3=A9?=\n\nx',
    )
    expect(headers.get('subject')).toBe('ours')
    expect(headers.get('x')).toContain('=?klingon?Q?a?=')
  })
})
