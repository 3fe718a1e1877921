import { tellRevocation } from '../orders/tell-revocation.ts'
import type { Story } from '../story.ts'

export const revocation: Story = {
  name: 'revocation',
  title: 'An operator halts whatever acts for Alice, and somebody has a copy of a token',
  shows:
    'A halt revokes the tokens at the server, which confirms it, and has it refuse new ones: the copy is worth ' +
    'nothing, and neither is what it was made from.',
  asking: 'alice',
  prompt: 'What did I pay for LT-20501, LT-20503 and LT-20504?',
  haltAfter: 1,
  task: ['LT-20501', 'LT-20503', 'LT-20504'].map((orderId) => ({ tool: 'lookUpOrder', input: { orderId } })),
  wanted: [],
  answer: 'You paid £12.00, £18.00 and £7.50.',
  told: tellRevocation,
}
