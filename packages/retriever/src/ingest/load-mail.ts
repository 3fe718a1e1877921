import { htmlText } from './load-html.ts'
import type { Load } from './loader.ts'
import { parseMail } from './parse-mail.ts'

const SHOWN = ['from', 'to', 'cc', 'date', 'subject'] as const

/**
 * A mail (`.eml`): who it says it is from and to, its date and subject, and its text. The title is its subject.
 *
 * The `From` of a mail is text that its sender wrote. Who its authors are is for the source of record to say, which
 * knows whom the mail server verified.
 */
export const loadMail: Load = (bytes) => {
  const { headers, body, isHtml, unreadable, attachments } = parseMail(bytes)
  const head = SHOWN.flatMap((name) => {
    const value = headers.get(name)
    return value === undefined ? [] : [`${name.charAt(0).toUpperCase()}${name.slice(1)}: ${value}`]
  })
  const { text, hidden = 0 } = isHtml ? htmlText(body) : { text: body }
  const subject = headers.get('subject')
  return {
    text: `${head.join('\n')}\n\n${text}`.trim(),
    unreadable,
    hidden,
    attachments,
    ...(subject === undefined ? {} : { title: subject }),
  }
}
