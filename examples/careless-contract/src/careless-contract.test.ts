import { auditAgent, describeCorpus } from '@gatewright/runtime/testing'
import { describe, expect, test } from 'vitest'
import { desk } from './agent.ts'
import { careful, careless } from './contracts.ts'

describeCorpus('the help desk, with its contracts put right', desk(careful), { describe, test })

test('the careless contracts let through what their comments say, and nothing else', async () => {
  const { ok, cases } = await auditAgent(desk(careless))
  const through = cases.filter(({ outcome }) => outcome === 'got through')
  expect(ok).toBe(false)
  expect(new Set(through.map(({ tool, argument }) => `${tool}.${argument}`))).toEqual(
    new Set([
      'replyByMail.to',
      'addCredit.account',
      'shareReport.reportId',
      'shareReport.role',
      'archiveReports.before',
    ]),
  )
})

test('each line that the report proposes stands in the careful contracts', async () => {
  const { cases } = await auditAgent(desk(careless))
  const lines = new Set(cases.flatMap(({ narrowings }) => narrowings.map(({ line }) => line)))
  expect([...lines].toSorted()).toEqual([
    "'*.memo': authored()",
    'before: date()',
    "reportId: id('report')",
    "role: choice(['reader'])",
    'to: email()',
  ])
})
