import { agentdojo as run } from '../agentdojo/command.ts'

/** A benchmark that takes arguments of its own and prints its own tables. */
export interface Command {
  readonly name: string
  readonly about: string
  /** Resolves with the exit code. */
  run(args: readonly string[]): Promise<number>
}

export const agentdojo: Command = {
  name: 'agentdojo',
  about: 'attacks and tasks of AgentDojo, with a planner that obeys whatever it reads [--help]',
  run,
}
