// What the peers of a swarm say they want and fetch (intent-message.ts), and what we tell them. Works
// on any wire; peers that do not know the extension say nothing and are told nothing.
import type { Torrent, Wire } from 'webtorrent/dist/webtorrent.min.js'
import type { PieceIndex, PieceLayout } from '#protocol/pieces.ts'
import {
  arrivesIn,
  decodeIntent,
  encodeIntent,
  INTENT_EXTENSION,
  type Intent,
} from './intent-message.ts'

/** While nothing but times change, peers are told so often. Milliseconds. */
const REFRESH_MS = 1000
/** A peer that says more than that is not one of ours. Messages a second. */
const MAX_MESSAGES = 100

interface Heard {
  readonly intent: Intent
  /** When it came, by `performance.now()`. */
  readonly at: number
}

export class PeerIntents {
  readonly #layout: PieceLayout
  readonly #onChange: () => void
  readonly #heard = new WeakMap<Wire, Heard>()
  /** Those that know the extension. */
  readonly #listeners = new Set<Wire>()
  #own: Intent = { sends: true, wants: null, spans: [] }
  #toldAt = 0

  /** @param onChange called when a peer says something new */
  constructor(torrent: Torrent, layout: PieceLayout, onChange: () => void) {
    this.#layout = layout
    this.#onChange = onChange
    torrent.on('wire', (wire) => this.#extend(wire))
  }

  /** Whether the peer looks ahead to the piece; true when it does not say. */
  wants(wire: Wire, index: PieceIndex): boolean {
    const heard = this.#heard.get(wire)
    if (!heard) return true
    const { wants } = heard.intent
    return wants !== null && wants.first <= index && index <= wants.last
  }

  /** False when the peer says that it uploads nothing. */
  sends(wire: Wire): boolean {
    return this.#heard.get(wire)?.intent.sends ?? true
  }

  /** Seconds until the peer has the piece from the origin, `null` when it does not say so. */
  arrives(wire: Wire, index: PieceIndex): number | null {
    const heard = this.#heard.get(wire)
    return heard ? arrivesIn(heard.intent, index, performance.now() - heard.at) : null
  }

  /** Tells the peers; what they know already is not repeated at once. */
  tell(intent: Intent): void {
    const now = performance.now()
    const isKnown = shapeOf(intent) === shapeOf(this.#own)
    const isFresh = now - this.#toldAt < REFRESH_MS || intent.spans.length === 0
    if (isKnown && isFresh) return
    this.#own = intent
    this.#toldAt = now
    for (const wire of this.#listeners) wire.extended(INTENT_EXTENSION, encodeIntent(intent))
  }

  #extend(wire: Wire): void {
    const { extension, limit } = this.#extensionFor(wire)
    wire.use(extension)
    wire.on('close', () => {
      this.#listeners.delete(wire)
      clearInterval(limit)
    })
  }

  #extensionFor(wire: Wire) {
    let messages = 0
    const limit = setInterval(() => {
      messages = 0
    }, 1000)
    const onKnown = (): void => {
      this.#listeners.add(wire)
      wire.extended(INTENT_EXTENSION, encodeIntent(this.#own))
    }
    const onMessage = (bytes: Uint8Array): void => {
      messages += 1
      const intent = decodeIntent(bytes, this.#layout)
      if (!intent || messages > MAX_MESSAGES) {
        wire.destroy()
        return
      }
      this.#heard.set(wire, { intent, at: performance.now() })
      this.#onChange()
    }
    class IntentExtension {
      onExtendedHandshake = onKnown
      onMessage = onMessage
    }
    Object.defineProperty(IntentExtension.prototype, 'name', { value: INTENT_EXTENSION })
    return { extension: IntentExtension, limit }
  }
}

/** An intent without its times. */
function shapeOf({ sends, wants, spans }: Intent): string {
  return sends + [wants, ...spans].map((range) => `${range?.first}-${range?.last}`).join()
}
