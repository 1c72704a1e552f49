// The embedded player: nothing but the player, filling the frame that a foreign page gave it.
import './embed.css'
import { createRoot } from 'react-dom/client'
import type { MediaRecord } from '#protocol/media.ts'
import { getBoot } from '../app/boot.ts'
import { Player } from './Player.tsx'
import { useWatchSession } from './use-playback.ts'

export function mountEmbed(root: HTMLElement): void {
  const { media, failure } = getBoot()
  document.title = media === null ? 'Not found · Slipstream' : media.title
  createRoot(root).render(
    media === null ? <Missing why={failure?.message ?? NOT_HERE} /> : <Embed media={media} />,
  )
}

function Embed({ media }: { readonly media: MediaRecord }) {
  const session = useWatchSession(media, 'embed')
  return (
    <main style={{ height: '100%' }}>
      <Player session={session} fill />
    </main>
  )
}

const NOT_HERE = 'This title is not here. It was deleted, or the address is not complete.'

function Missing({ why }: { readonly why: string }) {
  return (
    <main className="embed-missing">
      <p role="alert">{why}</p>
    </main>
  )
}
