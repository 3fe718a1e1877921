import { decode } from './decode.ts'
import type { Load } from './loader.ts'

const FRONT_MATTER = /^---[ \t]*\r?\n[\s\S]*?\r?\n---[ \t]*(?:\r?\n|$)/
const HEADING = /^ {0,3}#[ \t]+(\S.{0,800})$/m

/**
 * Markdown: as it is, since models read it. The title is its first heading of the first level.
 *
 * Front matter is text like any other. An `author:` or `readers:` in it was written by whoever wrote the document.
 */
export const loadMarkdown: Load = (bytes) => {
  const { text, unreadable } = decode(bytes)
  const title = HEADING.exec(text.replace(FRONT_MATTER, ''))?.[1]?.replace(/[ \t]+#*[ \t]*$/, '')
  return { text, unreadable, ...(title === undefined ? {} : { title }) }
}
