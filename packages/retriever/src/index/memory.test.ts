import { describe, test } from 'vitest'
import { describeIndex } from '../testing/describe-index.ts'
import { memoryIndex } from './memory.ts'

describeIndex('an index in memory', { open: memoryIndex, trials: 600 }, { describe, test })
