export { type Answering, type Browser, openBrowser } from './browser.ts'
export { CALLBACK } from './configuration.ts'
export { requestOf } from './credential-request.ts'
export type { Misbehaviour } from './misbehaviour.ts'
export { openOrdersApi, type OrdersApi, type Seen } from './orders-api.ts'
export {
  type Asked,
  type AuthorizationServer,
  type AuthorizationServerOptions,
  openAuthorizationServer,
  type OwnClient,
} from './server.ts'
export {
  AGENT,
  type Consent,
  DELEGATIONS,
  FRONT_END,
  ORDERS_API,
  OTHER_AGENT,
  type Resource,
  SHOP,
  type User,
  type World,
} from './world.ts'
