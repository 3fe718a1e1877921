import type { CorpusFamily } from './case.ts'
import { answers } from './answers.ts'
import { approvals } from './approvals.ts'
import { arithmetic } from './arithmetic.ts'
import { dataFlow } from './data-flow.ts'
import { echo } from './echo.ts'
import { egress } from './egress.ts'
import { empty } from './empty.ts'
import { encodings } from './encodings.ts'
import { histories } from './histories.ts'
import { idConfusion } from './id-confusion.ts'
import { instructions } from './instructions.ts'
import { laundering } from './laundering.ts'
import { memory } from './memory.ts'
import { pasted } from './pasted.ts'
import { plantedFields } from './planted-fields.ts'
import { pruning } from './pruning.ts'
import { records } from './records.ts'
import { refusals } from './refusals.ts'
import { repeats } from './repeats.ts'
import { subAgents } from './sub-agents.ts'
import { swaps } from './swaps.ts'
import { toolDefinitions } from './tool-definitions.ts'

/** Every family of the corpus. */
export const CORPUS: readonly CorpusFamily[] = [
  instructions,
  dataFlow,
  swaps,
  encodings,
  pasted,
  laundering,
  echo,
  memory,
  subAgents,
  toolDefinitions,
  approvals,
  histories,
  pruning,
  refusals,
  records,
  plantedFields,
  idConfusion,
  arithmetic,
  empty,
  repeats,
  egress,
  answers,
]
