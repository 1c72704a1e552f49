// React's view of the one upload queue of this tab. The queue outlives the admin page: uploads go
// on while the catalogue is shown, and the browser asks before the tab is closed.
import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useSyncExternalStore } from 'react'
import { getBoot } from '../app/boot.ts'
import { refreshMedia } from '../remote/media.ts'
import { ownUrl } from '../remote/own-address.ts'
import { UploadQueue, type UploadsSnapshot } from './upload-queue.ts'

let queue: UploadQueue | null = null

function uploadQueue(): UploadQueue {
  if (queue !== null) return queue
  const created = new UploadQueue({
    endpoint: ownUrl('/api/uploads'),
    maxUploadBytes: getBoot().settings.maxUploadBytes,
  })
  window.addEventListener('beforeunload', (event) => {
    if (created.busy) event.preventDefault()
  })
  window.addEventListener('online', () => created.retryNow())
  queue = created
  return created
}

export interface Uploads extends UploadsSnapshot {
  readonly queue: UploadQueue
  readonly busy: boolean
}

export function useUploads(): Uploads {
  const shared = uploadQueue()
  const snapshot = useSyncExternalStore(shared.subscribe, shared.getSnapshot)
  return { ...snapshot, queue: shared, busy: shared.busy }
}

/** Has the list of titles loaded anew whenever an upload is done. */
export function useRefreshAfterUploads({ uploads }: UploadsSnapshot): void {
  const queryClient = useQueryClient()
  const done = uploads.filter(({ state }) => state.name === 'done').length
  useEffect(() => {
    if (done > 0) void refreshMedia(queryClient)
  }, [done, queryClient])
}
