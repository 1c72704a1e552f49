// Has the player follow the keyboard. Keys work on the whole page, unless the focus is on something
// that uses them itself; the arrows that scroll the page only where the player has the focus.
import { type RefObject, useEffect, useEffectEvent, useState } from 'react'
import { formatDuration, formatPercent } from '../app/format.ts'
import { nextSpeed, type Shortcut, shortcutOf, usesKey } from './shortcuts.ts'

export interface ShortcutOptions {
  readonly video: HTMLVideoElement
  /** The `<media-controller>`: it knows how to get the picture out of the page and back. */
  readonly controller: RefObject<HTMLElement | null>
  /** The player is all of the page. */
  readonly fill: boolean
  readonly onHelp: () => void
}

const NOTE_MS = 1200

/** @returns what the last key did, in a word, for a moment; or `null` */
export function useShortcuts(options: ShortcutOptions): string | null {
  const [note, setNote] = useState<{ readonly text: string } | null>(null)
  const onKeyDown = useEffectEvent((event: KeyboardEvent) => {
    const shortcut = shortcutOf(event)
    if (shortcut === null || event.defaultPrevented || isTaken(event)) return
    const { controller, fill } = options
    const player = controller.current
    if (player === null) return
    const isThere =
      fill || document.fullscreenElement !== null || event.composedPath().includes(player)
    if (shortcut.act === 'volume-by' && !isThere) return
    event.preventDefault()
    const text = perform(shortcut, player, options)
    setNote(text === null ? null : { text })
  })
  useEffect(() => {
    const listening = new AbortController()
    document.addEventListener('keydown', (event) => onKeyDown(event), listening)
    return () => listening.abort()
  }, [])
  useEffect(() => {
    if (note === null) return
    const timer = setTimeout(() => setNote(null), NOTE_MS)
    return () => clearTimeout(timer)
  }, [note])
  return note?.text ?? null
}

function isTaken(event: KeyboardEvent): boolean {
  return event.composedPath().some(
    (element) =>
      element instanceof HTMLElement &&
      usesKey(
        {
          tag: element.localName,
          role: element.getAttribute('role'),
          editable: element.isContentEditable,
          ...(element instanceof HTMLInputElement && { type: element.type }),
        },
        event.key,
      ),
  )
}

/** @returns what to tell the viewer, or `null` when it is plain to see */
function perform(
  shortcut: Shortcut,
  controller: HTMLElement,
  { video, onHelp }: ShortcutOptions,
): string | null {
  switch (shortcut.act) {
    case 'play':
      if (video.paused)
        video.play().catch(() => undefined) // the button stays
      else video.pause()
      return null
    case 'mute':
      video.muted = !video.muted
      return video.muted ? 'Sound off' : 'Sound on'
    case 'volume-by': {
      const volume = Math.min(1, Math.max(0, video.volume + shortcut.step))
      video.volume = Math.round(volume * 100) / 100
      video.muted = false
      return `Volume ${formatPercent(video.volume)}`
    }
    case 'seek-by':
      return seek(video, video.currentTime + shortcut.seconds)
    case 'seek-to':
      return seek(video, video.duration * shortcut.share)
    case 'speed-by':
      video.playbackRate = nextSpeed(video.playbackRate, shortcut.step)
      return `Speed ${video.playbackRate}×`
    case 'subtitles':
      request(controller, 'togglesubtitles')
      return null
    case 'fullscreen':
      request(controller, document.fullscreenElement ? 'exitfullscreen' : 'enterfullscreen')
      return null
    case 'picture-in-picture':
      request(controller, document.pictureInPictureElement ? 'exitpip' : 'enterpip')
      return null
    case 'help':
      onHelp()
      return null
  }
}

function seek(video: HTMLVideoElement, to: number): string | null {
  if (!Number.isFinite(video.duration)) return null // nothing is known of the title yet
  video.currentTime = Math.min(video.duration, Math.max(0, to))
  return formatDuration(video.currentTime)
}

/** As the buttons ask for it. */
function request(controller: HTMLElement, what: string): void {
  controller.dispatchEvent(
    new CustomEvent(`media${what}request`, { composed: true, bubbles: true }),
  )
}
