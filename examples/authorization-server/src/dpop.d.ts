// Public by its documentation of custom grants, though not typed.
declare module 'oidc-provider/lib/helpers/validate_dpop.js' {
  import type { KoaContextWithOIDC, Provider } from 'oidc-provider'

  interface Proof {
    readonly thumbprint: string
    readonly jti: string
    readonly iat: number
  }
  export default function validateDpop(
    provider: Provider,
    ctx: KoaContextWithOIDC,
  ): Promise<Proof | undefined>
  export function checkDpopReplay(
    provider: Provider,
    ctx: KoaContextWithOIDC,
    proof: Proof | undefined,
    client: string,
  ): Promise<void>
}
