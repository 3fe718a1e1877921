/** Where a command prints, and how. */
export interface Terminal {
  /** Resolves once the text has been handed over. */
  out(text: string): Promise<void>
  error(text: string): Promise<void>
  /** How wide a line may be; 100 where it is not known. */
  readonly columns?: number | undefined
  /** Colours and weights are wanted: a person is looking, and has not asked for none. */
  readonly isColoured: boolean
}

export type Paint = (text: string) => string

export interface Paints {
  readonly bold: Paint
  readonly dim: Paint
  readonly red: Paint
  readonly yellow: Paint
  readonly green: Paint
}

/** The colours of a terminal, or none. */
export function paints(isColoured: boolean): Paints {
  const paint = (open: number, close: number): Paint =>
    isColoured ? (text) => `\u001b[${open}m${text}\u001b[${close}m` : (text) => text
  return {
    bold: paint(1, 22),
    dim: paint(2, 22),
    red: paint(31, 39),
    yellow: paint(33, 39),
    green: paint(32, 39),
  }
}

/** Text in which nothing acts on a terminal: names and values may come from a server's schema. */
export function inert(text: string): string {
  return text.replaceAll(/(?!\n)\p{C}/gu, (one) => `\\u{${one.codePointAt(0)?.toString(16) ?? ''}}`)
}

/** Lines of at most so many characters, broken between words where there are any. */
export function wrapped(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}
