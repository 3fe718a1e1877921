import { styleText } from 'node:util'

/** Colours text, where the stream is a terminal and NO_COLOR is not set. */
export type Paint = (style: Parameters<typeof styleText>[0], text: string) => string

export const WIDTH = 100

/** Paint for a stream. */
export function paintFor(stream: NodeJS.WriteStream): Paint {
  return (style, text) => styleText(style, text, { stream, validateStream: true })
}

/** Break a text into lines of at most `width` columns, between words where that can be done. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of shown(text)
    .split(/\s+/)
    .flatMap((one) => pieces(one, width))) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}

/** A text with a head in front of its first line, and its other lines under the first. */
export function hang(head: string, text: string, paint: (line: string) => string = (line) => line): string[] {
  return wrap(text, WIDTH - head.length).map(
    (line, index) => (index === 0 ? head : ' '.repeat(head.length)) + paint(line),
  )
}

/** A text cut to a number of columns. */
export function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`
}

/** A text with nothing in it that a terminal would obey, or hide. */
function shown(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}]/gu, (one) => (/\s/.test(one) ? ' ' : '\uFFFD'))
}

function pieces(word: string, width: number): string[] {
  return word.length <= width ? [word] : [word.slice(0, width), ...pieces(word.slice(width), width)]
}
