// Has the player follow the keyboard. Keys work on the whole page, unless the focus is on something
// that uses them itself; the arrows that scroll the page only where the player has the focus. A
// viewer may want that of all of them (WCAG 2.1.4): who dictates, for one, types what was not meant.
import { type RefObject, useEffect, useEffectEvent, useState } from 'react'
import { formatDuration, formatPercent } from '../app/format.ts'
import { speedOf } from '../playback/play-hold.ts'
import { nextSpeed, type Shortcut, shortcutOf, usesKey } from './shortcuts.ts'
import { ViewingMemory } from './viewing-memory.ts'

export interface ShortcutOptions {
  readonly video: HTMLVideoElement
  /** The `<media-controller>`: it knows how to get the picture out of the page and back. */
  readonly controller: RefObject<HTMLElement | null>
  /** The player is all of the page. */
  readonly fill: boolean
  readonly onHelp: () => void
}

const NOTE_MS = 1200

export interface Shortcuts {
  /** What the last key did, in a word, for a moment; or `null`. */
  readonly note: string | null
  /** Whether keys work on the whole page; remembered. */
  readonly onPage: boolean
  readonly setOnPage: (onPage: boolean) => void
}

export function useShortcuts(options: ShortcutOptions): Shortcuts {
  const [memory] = useState(() => new ViewingMemory())
  const [onPage, setOnPage] = useState(memory.pageKeys)
  const [note, setNote] = useState<{ readonly text: string } | null>(null)
  const onKeyDown = useEffectEvent((event: KeyboardEvent) => {
    const shortcut = shortcutOf(event)
    if (shortcut === null || event.defaultPrevented || isTaken(event)) return
    const { controller, fill } = options
    const player = controller.current
    if (player === null) return
    const hasFocus = event.composedPath().includes(player)
    if (!onPage && !hasFocus) return
    const isAlone = fill || document.fullscreenElement !== null
    if (shortcut.act === 'volume-by' && !isAlone && !hasFocus) return
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
  return {
    note: note?.text ?? null,
    onPage,
    setOnPage(wanted) {
      setOnPage(wanted)
      memory.keepPageKeys(wanted)
    },
  }
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
      video.playbackRate = nextSpeed(speedOf(video), shortcut.step)
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
