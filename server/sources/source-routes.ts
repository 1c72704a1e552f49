// `/api/sources`: the origins that media may come from, for who is signed in.
import { type RequestHandler, Router } from 'express'
import type { Logger } from 'pino'
import * as v from 'valibot'
import {
  newSourceOriginSchema,
  type SourceOrigins,
  sourceOriginEditSchema,
} from '#protocol/sources.ts'
import { SlipstreamError } from '../http/errors.ts'
import type { OriginOf } from '../http/request-address.ts'
import { assertSameOrigin } from '../http/same-origin.ts'
import type { SourcePolicy } from './source-policy.ts'

/** Routes below `/api/sources`, behind `jsonBody`. */
export function sourceRoutes({
  policy,
  onKeepChange,
  originOf,
  requireAccount,
  log,
}: {
  readonly policy: SourcePolicy
  /** Told that other copies may have to be kept than before; the answer waits for it. */
  readonly onKeepChange: () => Promise<void>
  readonly originOf: OriginOf
  readonly requireAccount: RequestHandler
  readonly log: Logger
}): Router {
  const router = Router()

  router.use((request, _response, next) => {
    assertSameOrigin(request, originOf)
    next()
  })
  router.use(requireAccount)

  router.get('/', async (_request, response) => {
    const body: SourceOrigins = { origins: await policy.list() }
    response.set('Cache-Control', 'no-store').json(body)
  })

  router.post('/', async (request, response) => {
    const { url, keep } = parse(newSourceOriginSchema, request.body, 'url and keep')
    const added = await policy.add(url, keep)
    await onKeepChange() // it may lie below another origin
    log.info({ origin: added.url, keep }, 'origin allowed')
    response.status(201).json(added)
  })

  router.patch('/:id', async (request, response) => {
    const { keep } = parse(sourceOriginEditSchema, request.body, 'keep')
    const changed = await policy.setKeep(request.params.id, keep)
    await onKeepChange()
    response.json(changed)
  })

  router.delete('/:id', async (request, response) => {
    await policy.remove(request.params.id)
    await onKeepChange()
    log.info({ origin: request.params.id }, 'origin not allowed any more')
    response.status(204).end()
  })

  return router
}

function parse<Schema extends v.GenericSchema>(
  schema: Schema,
  body: unknown,
  fields: string,
): v.InferOutput<Schema> {
  const parsed = v.safeParse(schema, body)
  if (parsed.success) return parsed.output
  const [issue] = parsed.issues
  const field = v.getDotPath(issue)
  const message = field
    ? `The field ${field} is missing or wrong: ${issue.message}.`
    : `The request must carry JSON with ${fields}.`
  throw new SlipstreamError('bad_request', message)
}
