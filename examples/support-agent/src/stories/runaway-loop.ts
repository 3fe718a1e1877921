import type { Story } from '../story.ts'

const refund = {
  tool: 'issueRefund' as const,
  input: { orderId: 'LT-20501', amount: 12, iban: 'GB82WEST12345698765432' },
}

export const runawayLoop: Story = {
  name: 'runaway-loop',
  title: 'A model that does the same thing again and again',
  shows: 'A quota refuses what is too much, and an agent that keeps being refused is halted.',
  prompt: 'Refund £12.00 for LT-20501 to GB82 WEST 1234 5698 7654 32.',
  limits: () => ({
    quotas: [{ calls: 1, per: 'run', tools: ['issueRefund'] }],
    violations: { run: { limit: 3, windowMs: 60_000 } },
  }),
  // It takes no answer for an answer.
  task: Array.from({ length: 9 }, () => refund),
  wanted: [refund],
  answer: 'The refund is made.',
}
