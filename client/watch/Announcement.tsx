// Says to screen readers what has appeared in the player away from where they read.
import { useEffect, useState } from 'react'

/** So long must a live region have stood in the page for its words to be read. Milliseconds. */
const REGION_LEAD_MS = 500

/** Mounted whether there is something to say or not: a region that comes with its words is mute. */
export function Announcement({ text }: { readonly text: string }) {
  const [said, setSaid] = useState('')
  useEffect(() => {
    const timer = setTimeout(() => setSaid(text), REGION_LEAD_MS)
    return () => clearTimeout(timer)
  }, [text])
  return (
    <div className="player-said" role="status">
      {said}
    </div>
  )
}
