export {
  ingest,
  type IngestEvent,
  type IngestOptions,
  type IngestOutcome,
  type IngestReport,
} from './ingest.ts'
export type { IngestNote } from './read-document.ts'
export type { Content, RemovedDocument, SourceDocument } from './source-document.ts'
export type { Load, Loaded } from './loader.ts'
export { loadHtml } from './load-html.ts'
export { loadMail } from './load-mail.ts'
export { loadMarkdown } from './load-markdown.ts'
export { loadText } from './load-text.ts'
export { type ParsedMail, parseMail } from './parse-mail.ts'
export { splitText, type SplitOptions } from './split.ts'
