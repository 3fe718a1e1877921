// The other process of the benchmark: the authorization server, so that its work is not counted as the client's.
import { openAuthorizationServer, ORDERS_API } from '@gatewright/example-authorization-server'
import { exportJWK, type JWK } from 'jose'

export interface Opened {
  readonly issuer: string
  readonly client: string
  readonly key: JWK
  /** The token of a user, to be exchanged. */
  readonly subjectToken: string
}

if (process.send !== undefined) {
  const { issuer, agent, signIn } = await openAuthorizationServer({
    resources: { [ORDERS_API]: { scopes: ['orders:read'] } },
  })
  process.once('disconnect', () => process.exit())
  const opened: Opened = {
    issuer,
    client: agent.id,
    key: await exportJWK(agent.key),
    subjectToken: await signIn('alice'),
  }
  process.send(opened)
}
