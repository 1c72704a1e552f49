// Calls about titles, and the queries that keep their answers.
import {
  type InfiniteData,
  infiniteQueryOptions,
  type QueryClient,
  queryOptions,
} from '@tanstack/react-query'
import type { MediaId } from '#protocol/ids.ts'
import {
  type CataloguePage,
  cataloguePageSchema,
  type MediaEdit,
  type MediaRecord,
  mediaRecordSchema,
} from '#protocol/media.ts'
import type { TrackFacts } from '#protocol/tracks.ts'
import { ownPath, ownUrl } from './own-address.ts'
import { request, requestJson } from './request.ts'

const ALL_MEDIA = ['media'] as const
const CATALOGUE = [...ALL_MEDIA, 'catalogue'] as const

const mediaPath = (id: MediaId) => `/api/media/${id}`

/** The catalogue, newest first, page by page; `search` empty means everything. */
export function catalogueQuery(search: string) {
  return infiniteQueryOptions({
    queryKey: [...CATALOGUE, search],
    initialPageParam: null as string | null,
    queryFn: ({ pageParam, signal }) => {
      const parameters = new URLSearchParams()
      if (search !== '') parameters.set('q', search)
      if (pageParam !== null) parameters.set('cursor', pageParam)
      const query = parameters.size > 0 ? `?${parameters}` : ''
      return requestJson(`/api/media${query}`, cataloguePageSchema, { signal })
    },
    getNextPageParam: (page: CataloguePage) => page.nextCursor,
  })
}

/** One title, shown at once when the catalogue has it already. */
export function mediaQuery(id: MediaId, queryClient: QueryClient) {
  return queryOptions({
    queryKey: [...ALL_MEDIA, 'record', id],
    queryFn: ({ signal }) => requestJson(mediaPath(id), mediaRecordSchema, { signal }),
    initialData: () => titleInCatalogue(id, queryClient),
    // The page asks again by itself while the state of the title is of interest.
    staleTime: 60_000,
  })
}

function titleInCatalogue(id: MediaId, queryClient: QueryClient): MediaRecord | undefined {
  for (const [, data] of queryClient.getQueriesData<InfiniteData<CataloguePage>>({
    queryKey: CATALOGUE,
  })) {
    for (const page of data?.pages ?? []) {
      const found = page.items.find((item) => item.id === id)
      if (found !== undefined) return found
    }
  }
  return undefined
}

/** Has everything that is known of titles asked for anew. */
export function refreshMedia(queryClient: QueryClient): Promise<void> {
  return queryClient.invalidateQueries({ queryKey: ALL_MEDIA })
}

export function editMedia(id: MediaId, edit: MediaEdit): Promise<MediaRecord> {
  return requestJson(mediaPath(id), mediaRecordSchema, { method: 'PATCH', body: edit })
}

export async function deleteMedia(id: MediaId): Promise<void> {
  await request(mediaPath(id), { method: 'DELETE' })
}

/** @param file WebVTT; the server checks it */
export function addTrack(id: MediaId, facts: TrackFacts, file: Blob): Promise<MediaRecord> {
  const path = `${mediaPath(id)}/tracks?${new URLSearchParams({ ...facts })}`
  const body = new Blob([file], { type: 'text/vtt' })
  return requestJson(path, mediaRecordSchema, { method: 'POST', body })
}

export function removeTrack(id: MediaId, track: string): Promise<MediaRecord> {
  return requestJson(`${mediaPath(id)}/tracks/${track}`, mediaRecordSchema, { method: 'DELETE' })
}

/**
 * Builds the torrent now; also one whose build gave up, and one of a file elsewhere that is there: as
 * the next revision.
 */
export function buildTorrent(id: MediaId): Promise<MediaRecord> {
  return requestJson(`${mediaPath(id)}/build`, mediaRecordSchema, { method: 'POST' })
}

/** Address of the real torrent as a download. */
export function torrentUrl(id: MediaId): string {
  return ownPath(`${mediaPath(id)}/torrent?kind=real`)
}

/** Address of the watch page, complete, to be passed on. */
export function shareUrl(id: MediaId): string {
  return ownUrl(`/watch/${id}`)
}

/** Addresses for pages elsewhere, complete. */
export function embedAddresses(id: MediaId): { readonly script: string; readonly page: string } {
  const beside = (path: string) => new URL(path, shareUrl(id)).href // wherever the server lies
  return { script: beside('../embed.js'), page: beside(`../embed/${id}`) }
}
