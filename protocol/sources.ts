// Media that lie elsewhere: which origins an administrator allows, and what `/api/resolve` answers.
import * as v from 'valibot'
import { mediaIdSchema } from './ids.ts'

/**
 * What this server keeps of files at an origin: `never` a copy; `cache`, within a bound for all, the
 * least recently wanted go first; `always`.
 */
export const KEEP = ['never', 'cache', 'always'] as const
export type Keep = (typeof KEEP)[number]
const keepSchema = v.picklist(KEEP, `must be one of ${KEEP.join(', ')}`)

/** An allowed origin. */
export const sourceOriginSchema = v.object({
  id: v.string(),
  /** Scheme, host, port and path prefix with a slash at its end: `https://cdn.example.org/films/`. */
  url: v.string(),
  keep: keepSchema,
  /** True when it comes from `SOURCE_ORIGINS` and cannot be changed here. */
  fixed: v.boolean(),
})
export type SourceOrigin = v.InferOutput<typeof sourceOriginSchema>

/** Answer of `GET /api/sources`, signed in. */
export const sourceOriginsSchema = v.object({ origins: v.array(sourceOriginSchema) })
export type SourceOrigins = v.InferOutput<typeof sourceOriginsSchema>

/** Body of `POST /api/sources`, which answers 201 and the new origin. */
export const newSourceOriginSchema = v.strictObject({
  url: v.string('must be a URL such as https://cdn.example.org/films/'),
  keep: v.optional(keepSchema, 'never'),
})

/** Body of `PATCH /api/sources/:id`, which answers the origin; `DELETE` answers 204. */
export const sourceOriginEditSchema = v.strictObject({ keep: keepSchema })

/** Answer of `GET /api/resolve?url=` and `POST /api/resolve {url}`: absolute URLs. */
export const resolvedSchema = v.object({
  id: mediaIdSchema,
  torrent: v.string(),
  watch: v.string(),
  embed: v.string(),
})
export type Resolved = v.InferOutput<typeof resolvedSchema>
