import type { AuthorizationDetail } from 'oidc-provider'

/** An API whose tokens this server issues, by the identifier that clients ask for it by (RFC 8707). */
export interface Resource {
  readonly scopes: readonly string[]
  /** Default `jwt`. */
  readonly format?: 'jwt' | 'opaque'
  /** How long a token for it lives, in seconds. Default 120. */
  readonly seconds?: number
}

export interface User {
  readonly password: string
  /** What this user may do at all; only of this can they grant anything. */
  readonly scopes: readonly string[]
}

/** A yes of a user: this client may do this there in their name. */
export interface Consent {
  readonly user: string
  readonly client?: string
  readonly resource: string
  readonly scopes: readonly string[]
}

/** Who is known to the server, and what there is. */
export interface World {
  readonly users: Readonly<Record<string, User>>
  readonly resources: Readonly<Record<string, Resource>>
  readonly consents: readonly Consent[]
  /** Other servers whose identity assertions (ID-JAG) are taken. */
  readonly trusts: readonly string[]
  /** Types of `authorization_details` (RFC 9396) that it knows. */
  readonly details: readonly string[]
}

export const ORDERS_API = 'https://orders.example/'

/** The shop of the stories: alice may do all with her orders, bob works there. */
export const SHOP: World = {
  users: {
    alice: { password: 'tea', scopes: ['orders:read', 'orders:write', 'profile:read'] },
    bob: { password: 'coffee', scopes: ['orders:read', 'orders:write', 'orders:admin', 'profile:read'] },
  },
  resources: {
    'https://orders.example/': { scopes: ['orders:read', 'orders:write', 'orders:admin'] },
    'https://profile.example/': { scopes: ['profile:read'] },
    'https://opaque.example/': { scopes: ['orders:read'], format: 'opaque' },
  },
  consents: [
    { user: 'alice', resource: 'https://orders.example/', scopes: ['orders:read', 'orders:write'] },
    { user: 'bob', resource: 'https://orders.example/', scopes: ['orders:read', 'orders:admin'] },
    { user: 'alice', resource: 'https://opaque.example/', scopes: ['orders:read'] },
    { user: 'bob', resource: 'https://opaque.example/', scopes: ['orders:read'] },
  ],
  trusts: [],
  details: ['order'],
}

/** The front end at which users sign in: their token for it is what the agent's application gets hold of. */
export const FRONT_END = 'shop-web'
export const FRONT_END_API = 'https://shop.example/'
export const AGENT = 'support-agent'
/** Another agent, whom nobody asked. */
export const OTHER_AGENT = 'other-agent'
/** The API of this server at which a delegation is ended, with a token of the scope `delegations:end`. */
export const DELEGATIONS = 'urn:shop:delegations'

export type Details = readonly AuthorizationDetail[]
