import type { Provider } from 'oidc-provider'
import type { Storage } from './storage.ts'
import { AGENT, type Consent, type World } from './world.ts'

/** Whose delegation is ended: those of a user, of a client, or of one at the other. */
export interface Ended {
  readonly user?: string
  readonly client?: string
}

/** What users granted to clients, and what was ended since. */
export interface Grants {
  add(consent: Consent): Promise<void>
  /** Every scope that a user granted to a client there. */
  of(user: string, client: string, resource: string): ReadonlySet<string>
  end(ended: Ended): void
  allowAgain(): void
  isEnded(user: string, client: string): boolean
}

export function createGrants(provider: Provider, storage: Storage, world: World): Grants {
  const ended: Ended[] = []
  return {
    async add({ user, client = AGENT, resource, scopes }) {
      const grant = new provider.Grant({ accountId: user, clientId: client })
      grant.addResourceScope(resource, [...scopes])
      await grant.save()
    },
    of(user, client, resource) {
      const may = new Set(world.users[user]?.scopes)
      const granted = storage
        .records('Grant')
        .filter(({ accountId, clientId }) => accountId === user && clientId === client)
        .flatMap((grant) => (grant['resources'] as Record<string, string> | undefined)?.[resource] ?? [])
        .flatMap((scopes) => scopes.split(' '))
      return may.intersection(new Set(granted))
    },
    end: (one) => void ended.push(one),
    allowAgain: () => void ended.splice(0),
    isEnded: (user, client) =>
      ended.some(
        (one) =>
          (one.user !== undefined || one.client !== undefined) &&
          (one.user ?? user) === user &&
          (one.client ?? client) === client,
      ),
  }
}
