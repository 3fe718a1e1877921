import { isStepCount } from 'ai'

/** What the bare and the guarded agent have in common. */
export const INSTRUCTIONS =
  'You are the support agent of Larkspur Tea. You help its staff with orders, mail and the knowledge base.'

/** The scripted model needs six; a real one may wander. */
export const STOP: ReturnType<typeof isStepCount> = isStepCount(16)
