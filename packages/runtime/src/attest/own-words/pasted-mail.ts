import type { Range } from '../own-words.ts'

const HEADER =
  /^[ \t]*[*_]{0,2}(From|To|Cc|Bcc|Subject|Date|Sent|Reply-To|Sender|Message-ID|In-Reply-To|References|Received|Return-Path|Delivered-To|MIME-Version|Content-[A-Za-z-]+|X-[A-Za-z-]+|Von|An|Betreff|Gesendet|De|À|Objet|Envoyé|Para|Asunto):/iu
const SENDER = /^[ \t]*[*_]{0,2}(?:From|Von|De|Return-Path|Received|Message-ID):/iu
const FORWARDED =
  /^[ \t]*(?:[-_=*]{2,}[ \t]*(?:Original (?:Message|Appointment)|Forwarded (?:Message|by)|Weitergeleitete Nachricht|Ursprüngliche Nachricht|Message (?:transféré|d'origine)|Mensaje reenviado)|Begin forwarded message|Forwarded message\b)/iu
const WROTE =
  /^[ \t]*(?:On|Am|Le|El|Il|Op)\b.{0,300}\b(?:wrote|schrieb|a écrit|escribió|ha scritto|schreef)\b.{0,200}:[ \t]*$/iu
const WROTE_BEGINS = /^[ \t]*(?:On|Am|Le|El|Il|Op)\b.{0,300}$/iu
const QUOTE = /^[ \t]*(?:>|\|[ \t]*>)/
const BLANK = /^\s*$/u
const LONGEST_LINE = 600

/** Ranges of a text that are pasted mail, by whole lines. An empty range stands for a line that is not looked at. */
export function pastedMail(text: string, lines: readonly Range[]): Range[] {
  const found: Range[] = []
  const wrote = (words: string): boolean => words.endsWith(':') && WROTE.test(words)
  const line = (i: number): string => {
    const [start, end] = lines[i] ?? [0, 0]
    return text.slice(start, Math.min(end, start + LONGEST_LINE)).trimEnd()
  }
  for (let i = 0; i < lines.length; i += 1) {
    const here = line(i)
    const start = (lines[i] as Range)[0]
    if (FORWARDED.test(here)) {
      found.push([start, text.length])
      return found
    }
    if (QUOTE.test(here)) found.push(lines[i] as Range)
    else if (wrote(here) || (WROTE_BEGINS.test(here) && wrote(`${here} ${line(i + 1)}`))) {
      const last = wrote(here) ? i : i + 1
      let next = last + 1
      while (next < lines.length && BLANK.test(line(next))) next += 1
      // Without marks before its lines, nothing tells where the mail replied to ends.
      if (!QUOTE.test(line(next))) {
        found.push([start, text.length])
        return found
      }
      found.push([start, (lines[last] as Range)[1]])
      i = last
    } else if (HEADER.test(here)) {
      let next = i + 1
      // "From: London" alone is a sentence of the user's; with an address it is a header.
      let sender = SENDER.test(here) && (here.includes('@') || HEADER.test(line(i + 1)))
      let headers = 1
      // A header goes on in lines that begin with white space (RFC 5322 §2.2.3).
      for (; next < lines.length && (HEADER.test(line(next)) || /^[ \t]+\S/.test(line(next))); next += 1) {
        if (HEADER.test(line(next))) headers += 1
        sender ||= SENDER.test(line(next))
      }
      if (sender) {
        found.push([start, text.length])
        return found
      }
      if (headers > 1) {
        found.push([start, (lines[next - 1] as Range)[1]])
        i = next - 1
      }
    }
  }
  return found
}
