// Refuses wrong methods once for all routes: an address that has a route, but not for the method of
// the request, answers 405 with `Allow` (RFC 9110 §15.5.6) instead of falling through to a 404.
import type { Express, RequestHandler } from 'express'
import { SlipstreamError } from './errors.ts'

/** What Express 5.3 answers to `listRoutes()`; its types do not know it yet. */
interface RouteList {
  listRoutes(): {
    readonly path: string | RegExp
    /** `undefined` for a router that is mounted here. */
    readonly methods: readonly string[] | undefined
    readonly router: RouteList | undefined
  }[]
}

interface Address {
  /** In lower case; `null` stands for any text. */
  readonly segments: readonly (string | null)[]
  readonly methods: readonly string[]
}

/**
 * Mount it behind all routers that it is to speak for; it does not see what is registered later.
 * OPTIONS is answered with the same list, where neither a route nor Express answers it. Routes that
 * are more than plain segments and `:parameters` are passed over.
 */
export function refuseOtherMethods(app: Express): RequestHandler {
  const addresses = addressesOf(app.router as unknown as RouteList, '')
  return (request, response, next) => {
    const segments = segmentsOf(request.path)
    const methods = new Set(
      addresses.filter((one) => matches(one, segments)).flatMap((one) => one.methods),
    )
    if (methods.size === 0) return next()
    const allow = [...methods].sort().join(', ')
    if (request.method === 'OPTIONS') {
      response.status(204).set('Allow', allow).end()
      return
    }
    const message = `${request.method} is not possible here, only ${allow}.`
    throw new SlipstreamError('method_not_allowed', message, { headers: { Allow: allow } })
  }
}

function addressesOf(router: RouteList, mountedAt: string): Address[] {
  return router.listRoutes().flatMap(({ path, methods, router: mounted }) => {
    if (typeof path !== 'string' || /[{}*()[\]\\]/.test(path)) return []
    if (mounted) return addressesOf(mounted, mountedAt + path)
    const segments = segmentsOf(mountedAt + path).map((one) => (one.startsWith(':') ? null : one))
    return [{ segments, methods: methods ?? [] }]
  })
}

/** As Express compares: letter case and slashes at the end do not count. */
function segmentsOf(path: string): string[] {
  return path.toLowerCase().split('/').filter(Boolean)
}

function matches({ segments }: Address, path: readonly string[]): boolean {
  return (
    segments.length === path.length &&
    segments.every((segment, place) => segment === null || segment === path[place])
  )
}
