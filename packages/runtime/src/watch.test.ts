import { expect, test } from 'vitest'
import { email, money } from './contract/argument.ts'
import { compileContract } from './contract/compile.ts'
import {
  ApprovalError,
  DeniedError,
  GuardError,
  HaltedError,
  LimitError,
  UnavailableError,
} from './errors.ts'
import type { Decision } from './policy/decision.ts'
import type { GuardedTool } from './tool.ts'
import { violationOf } from './watch.ts'

const contract = compileContract('pay', { effect: 'irreversible', args: { to: email(), amount: money() } })
const tool = { name: 'pay', contract } as GuardedTool

const because = (rule: string, path?: string): { decision: Decision } => ({
  decision: {
    outcome: 'deny',
    reasons: [{ step: 'flow', rule, outcome: 'deny', text: '', ...(path === undefined ? {} : { path }) }],
    obligations: [],
  },
})

test.each<[string, GuardError, string | undefined]>([
  ['a policy that denies', new DeniedError('ERR_DENIED', '', because('no-rule')), 'refusal'],
  ['an input that does not fit', new DeniedError('ERR_INPUT_INVALID', ''), 'refusal'],
  ['a quota that is used up', new LimitError('ERR_LIMIT_EXCEEDED', ''), 'refusal'],
  [
    'a reader who may not see it',
    new DeniedError('ERR_DENIED', '', because('reader-not-admitted')),
    'destination',
  ],
  [
    'a link of an outsider',
    new DeniedError('ERR_DENIED', '', because('unattested-link', 'body')),
    'destination',
  ],
  [
    'an address nobody said',
    new DeniedError('ERR_DENIED', '', because('unattested-argument', 'to')),
    'destination',
  ],
  [
    'an amount nobody said',
    new DeniedError('ERR_DENIED', '', because('unattested-argument', 'amount')),
    'refusal',
  ],
  ['nobody to ask', new ApprovalError('ERR_APPROVAL_REQUIRED', '', because('no-basis')), 'refusal'],
  [
    'a person who has not answered',
    new ApprovalError('ERR_APPROVAL_REQUIRED', '', { requestId: 'r' }),
    undefined,
  ],
  ['a person who said no', new ApprovalError('ERR_APPROVAL_REJECTED', '', { requestId: 'r' }), 'rejected'],
  ['a token that was not to be had', new GuardError('ERR_CREDENTIAL', ''), 'credential'],
  ['a halt', new HaltedError('ERR_HALTED', ''), undefined],
  ['a run that is over', new GuardError('ERR_RUN_ENDED', ''), undefined],
  ['a store out of reach', new UnavailableError('ERR_LIMITS_UNAVAILABLE', ''), undefined],
])('%s counts for what it is', (_, error, counts) => {
  expect(violationOf(tool, error)).toBe(counts)
})
