import { readdirSync, readFileSync } from 'node:fs'
import { basename, extname, join } from 'node:path'
import { Parser } from 'htmlparser2'
import { type Mail, readMail } from './mail.ts'

const ROOT = join(import.meta.dirname, '..', 'documents')

/** A page of the knowledge base, as a search hands it to an agent: its source, comments and all. */
export interface Page {
  readonly path: string
  readonly title: string
  readonly text: string
}

export interface Order {
  readonly id: string
  readonly account: string
  readonly customer: string
  readonly total: number
  readonly currency: string
  readonly status: string
  readonly notes: string
}

/** The page that holds most of the query's words, if one holds any of them in its title. */
export function searchPages(query: string): Page[] {
  const words = query.toLowerCase().match(/\w+/g) ?? []
  const hits = (text: string): number => words.filter((word) => text.toLowerCase().includes(word)).length
  const [best] = readdirSync(join(ROOT, 'pages'))
    .toSorted()
    .map(readPage)
    .filter(({ title }) => hits(title) > 0)
    .toSorted((a, b) => hits(b.title) - hits(a.title) || hits(b.text) - hits(a.text))
  return best === undefined ? [] : [best]
}

/** The mails of a folder, oldest first. */
export function readFolder(folder: string): (Mail & { readonly id: string })[] {
  return readdirSync(join(ROOT, 'mailbox', folder))
    .filter((name) => extname(name) === '.eml')
    .toSorted()
    .map((name) => ({
      id: `${folder}/${basename(name, '.eml')}`,
      ...readMail(readFileSync(join(ROOT, 'mailbox', folder, name), 'utf8')),
    }))
}

export const FOLDERS = ['billing', 'closures', 'refunds', 'waiting'] as const

/** The orders with this number: none or one. */
export function findOrders(id: string): Order[] {
  const orders = JSON.parse(readFileSync(join(ROOT, 'orders.json'), 'utf8')) as Order[]
  return orders.filter((order) => order.id === id)
}

function readPage(name: string): Page {
  const text = readFileSync(join(ROOT, 'pages', name), 'utf8')
  const title = extname(name) === '.html' ? htmlTitle(text) : (/^# (.+)$/m.exec(text)?.[1] ?? name)
  return { path: `pages/${name}`, title, text }
}

function htmlTitle(source: string): string {
  let title = ''
  let inTitle = false
  const parser = new Parser({
    onopentagname: (name) => void (inTitle ||= name === 'title'),
    ontext: (text) => void (inTitle && (title += text)),
    onclosetag: (name) => void (name === 'title' && (inTitle = false)),
  })
  parser.end(source)
  return title.trim()
}
