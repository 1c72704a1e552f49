// Calls about media that lie elsewhere: the allowed origins, and titles by the address of their file.
import { type QueryClient, queryOptions } from '@tanstack/react-query'
import { type MediaRecord, mediaRecordSchema } from '#protocol/media.ts'
import {
  type Keep,
  resolvedSchema,
  type SourceOrigin,
  sourceOriginSchema,
  sourceOriginsSchema,
} from '#protocol/sources.ts'
import { request, requestJson } from './request.ts'

export const originsQuery = queryOptions({
  queryKey: ['sources'],
  queryFn: async ({ signal }) =>
    (await requestJson('/api/sources', sourceOriginsSchema, { signal })).origins,
})

const originPath = (id: string) => `/api/sources/${encodeURIComponent(id)}`

/** @param url scheme, host, port and path prefix */
export function allowOrigin(origin: {
  readonly url: string
  readonly keep: Keep
}): Promise<SourceOrigin> {
  return requestJson('/api/sources', sourceOriginSchema, { method: 'POST', body: origin })
}

export function changeOrigin(id: string, keep: Keep): Promise<SourceOrigin> {
  return requestJson(originPath(id), sourceOriginSchema, { method: 'PATCH', body: { keep } })
}

export async function removeOrigin(id: string): Promise<void> {
  await request(originPath(id), { method: 'DELETE' })
}

/** Has the list of origins asked for anew. */
export function refreshOrigins(queryClient: QueryClient): Promise<void> {
  return queryClient.invalidateQueries({ queryKey: originsQuery.queryKey })
}

/**
 * Adds the title of a file elsewhere, unless there is one.
 * @param url of the file
 */
export async function addByAddress(url: string): Promise<MediaRecord> {
  const body = { url }
  const { id } = await requestJson('/api/resolve', resolvedSchema, { method: 'POST', body })
  return requestJson(`/api/media/${id}`, mediaRecordSchema)
}
