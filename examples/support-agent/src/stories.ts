import type { Story } from './story.ts'
import { answerLink } from './stories/answer-link.ts'
import { approval } from './stories/approval.ts'
import { budget } from './stories/budget.ts'
import { forgedApproval } from './stories/forged-approval.ts'
import { hiddenHtmlComment } from './stories/hidden-html-comment.ts'
import { invisibleUnicode } from './stories/invisible-unicode.ts'
import { killSwitch } from './stories/kill-switch.ts'
import { legitimateTask } from './stories/legitimate-task.ts'
import { mailExfiltration } from './stories/mail-exfiltration.ts'
import { mcpRugPull } from './stories/mcp-rug-pull.ts'
import { onBehalfOf } from './stories/on-behalf-of.ts'
import { poisonedKnowledgeBase } from './stories/poisoned-knowledge-base.ts'
import { refundRedirect } from './stories/refund-redirect.ts'
import { retrieval } from './stories/retrieval.ts'
import { revocation } from './stories/revocation.ts'
import { runawayLoop } from './stories/runaway-loop.ts'

/** Every story, in the order in which they are told. */
export const stories: readonly Story[] = [
  mailExfiltration,
  refundRedirect,
  hiddenHtmlComment,
  poisonedKnowledgeBase,
  invisibleUnicode,
  legitimateTask,
  approval,
  forgedApproval,
  killSwitch,
  runawayLoop,
  budget,
  answerLink,
  mcpRugPull,
  retrieval,
  onBehalfOf,
  revocation,
]
