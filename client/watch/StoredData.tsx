// What this browser keeps of the titles watched, how much that is, and a way to be rid of it.
import { useEffect, useId, useState } from 'react'
import { formatBytes } from '../app/format.ts'
import { clearStoredTitles, storedBytes } from '../storage/stored-titles.ts'

/** It grows while a title plays. Milliseconds. */
const LOOK_EVERY_MS = 2000

type Deletion =
  | { readonly state: 'none' | 'running' }
  /** Bytes that were there. */
  | { readonly state: 'done'; readonly bytes: number }
  | { readonly state: 'failed'; readonly message: string }

export function StoredData() {
  const textId = useId()
  const [deletion, setDeletion] = useState<Deletion>({ state: 'none' })
  const [bytes, setBytes] = useStoredBytes()
  const isRunning = deletion.state === 'running'
  const remove = async () => {
    if (isRunning) return
    setDeletion({ state: 'running' })
    try {
      const found = await storedBytes()
      await clearStoredTitles()
      setDeletion({ state: 'done', bytes: found })
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      setDeletion({ state: 'failed', message })
    }
    setBytes(await storedBytes())
  }
  return (
    <div className="sharing-stored">
      <p id={textId} className="sharing-note">
        {bytes === null
          ? 'Looking for stored video data…'
          : bytes === 0
            ? 'No video data is stored on this device.'
            : `Stored on this device, so that it need not be loaded again: ${formatBytes(bytes)} of video data.`}
      </p>
      {/* Not `disabled`: it keeps the focus meanwhile. */}
      <button type="button" aria-disabled={isRunning} aria-describedby={textId} onClick={remove}>
        Delete stored video data
      </button>
      <p role="status">
        {isRunning && 'Deleting…'}
        {deletion.state === 'done' &&
          (deletion.bytes === 0
            ? 'There was nothing to delete.'
            : `${formatBytes(deletion.bytes)} of video data were deleted.`)}
      </p>
      {deletion.state === 'failed' && (
        <p className="sharing-wrong" role="alert">
          {deletion.message}
        </p>
      )}
    </div>
  )
}

/** @returns bytes, `null` before it is known, and the way to say that they have changed */
function useStoredBytes(): [number | null, (bytes: number) => void] {
  const [bytes, setBytes] = useState<number | null>(null)
  useEffect(() => {
    let isOver = false
    const look = async () => {
      const found = await storedBytes()
      if (!isOver) setBytes(found)
    }
    void look()
    const timer = setInterval(look, LOOK_EVERY_MS)
    return () => {
      isOver = true
      clearInterval(timer)
    }
  }, [])
  return [bytes, setBytes]
}
