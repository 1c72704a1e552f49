// `/api/settings`: what holds for the whole site, for who is signed in.
import { type RequestHandler, Router } from 'express'
import * as v from 'valibot'
import { settingsSchema } from '#protocol/settings.ts'
import { SlipstreamError } from '../http/errors.ts'
import type { OriginOf } from '../http/request-address.ts'
import { assertSameOrigin } from '../http/same-origin.ts'
import type { SettingsStore } from './settings.ts'

interface SettingsRoutesPorts {
  readonly settings: Pick<SettingsStore, 'get' | 'put'>
  readonly originOf: OriginOf
  readonly requireAccount: RequestHandler
}

/** `GET` answers the settings, `PUT` takes all of them and answers them as they are then. */
export function settingsRoutes({
  settings,
  originOf,
  requireAccount,
}: SettingsRoutesPorts): Router {
  const router = Router()

  router.get('/', requireAccount, async (_request, response) => {
    response.set('Cache-Control', 'no-store').json(await settings.get())
  })

  router.put(
    '/',
    (request, _response, next) => {
      assertSameOrigin(request, originOf)
      next()
    },
    requireAccount,
    async (request, response) => {
      const wanted = v.safeParse(settingsSchema, request.body)
      if (!wanted.success) {
        const [issue] = wanted.issues
        const field = v.getDotPath(issue)
        const message = !field
          ? 'The request must carry JSON with embedSites: a list of sites, or null for every site.'
          : issue.input === undefined
            ? `The field ${field} is missing.`
            : `The field ${field} ${issue.message}.`
        throw new SlipstreamError('bad_request', message)
      }
      await settings.put(wanted.output)
      response.set('Cache-Control', 'no-store').json(await settings.get())
    },
  )

  return router
}
