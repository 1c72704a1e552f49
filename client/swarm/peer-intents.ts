// What the peers of a swarm say they want and fetch (intent-message.ts), and what we tell them. Works
// on any wire; peers that do not know the extension say nothing and are told nothing.
import type { Torrent, Wire } from 'webtorrent/dist/webtorrent.min.js'
import type { PieceIndex, PieceLayout } from '#protocol/pieces.ts'
import { decodeIntent, encodeIntent, INTENT_EXTENSION, type Intent } from './intent-message.ts'
import { PeerPromises } from './peer-promises.ts'

/** While nothing but times change, peers are told so often. Milliseconds. */
const REFRESH_MS = 1000

export class PeerIntents {
  readonly #layout: PieceLayout
  readonly #onChange: () => void
  readonly #onNonsense: (wire: Wire) => void
  readonly #heard = new WeakMap<Wire, PeerPromises>()
  /** Those that know the extension. */
  readonly #listeners = new Set<Wire>()
  #own: Intent = { sends: true, leads: true, wants: null, spans: [] }
  #toldAt = 0

  /**
   * @param onChange called when a peer says something new
   * @param onNonsense called when it says what is no intent
   */
  constructor(
    torrent: Torrent,
    layout: PieceLayout,
    onChange: () => void,
    onNonsense: (wire: Wire) => void,
  ) {
    this.#layout = layout
    this.#onChange = onChange
    this.#onNonsense = onNonsense
    torrent.on('wire', (wire) => this.#extend(wire))
  }

  /**
   * Whether the peer looks ahead to the piece, and may fetch it for others; true when it does not
   * say, false when what it says is not to be believed.
   */
  wants(wire: Wire, index: PieceIndex): boolean {
    const promises = this.#heard.get(wire)
    if (!promises?.intent) return true
    if (!promises.isBelieved(performance.now())) return false
    const { wants } = promises.intent
    return wants !== null && wants.first <= index && index <= wants.last
  }

  /** False when the peer says that it uploads nothing. */
  sends(wire: Wire): boolean {
    return this.#heard.get(wire)?.intent?.sends ?? true
  }

  /** False when the peer says that it uploads too slowly to fetch for others. */
  leads(wire: Wire): boolean {
    return this.#heard.get(wire)?.intent?.leads ?? true
  }

  /** Whether the peer says that the origin is sending it anything. */
  promises(wire: Wire): boolean {
    return (this.#heard.get(wire)?.intent?.spans.length ?? 0) > 0
  }

  /** Seconds until the peer has the piece from the origin, `null` when it does not say so believably. */
  arrives(wire: Wire, index: PieceIndex): number | null {
    return this.#heard.get(wire)?.arrives(index, performance.now()) ?? null
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
    const promises = new PeerPromises((index) => wire.peerPieces.get(index))
    this.#heard.set(wire, promises)
    const onKnown = (): void => {
      this.#listeners.add(wire)
      wire.extended(INTENT_EXTENSION, encodeIntent(this.#own))
    }
    const onMessage = (bytes: Uint8Array): void => {
      const intent = decodeIntent(bytes, this.#layout)
      if (!intent) {
        this.#onNonsense(wire)
        return
      }
      promises.heard(intent, performance.now())
      this.#onChange()
    }
    class IntentExtension {
      onExtendedHandshake = onKnown
      onMessage = onMessage
    }
    Object.defineProperty(IntentExtension.prototype, 'name', { value: INTENT_EXTENSION })
    wire.use(IntentExtension)
    wire.on('have', (index) => promises.has(index as PieceIndex))
    wire.on('close', () => this.#listeners.delete(wire))
  }
}

/** An intent without its times. */
function shapeOf({ sends, leads, wants, spans }: Intent): string {
  return [
    sends,
    leads,
    ...[wants, ...spans].map((range) => `${range?.first}-${range?.last}`),
  ].join()
}
