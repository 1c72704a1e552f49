// Stands before WebTorrent on every wire: messages that make no sense or come in floods do not reach
// it, and whoever sends them is shown out for good, like one that sends wrong data or blocks that
// nobody asked for. WebTorrent itself would wait for a message of 2 GB, answer every request at
// once, and throw in the middle of its work. In place before the first peer comes.
import type { Torrent, Wire } from 'webtorrent/dist/webtorrent.min.js'
import type { PieceLayout } from '#protocol/pieces.ts'
import type { Exclusions } from './exclusions.ts'
import { costOf, MessageBudget } from './message-budget.ts'
import { faultOf, MAX_MESSAGE_BYTES, MESSAGE, uint32 } from './wire-messages.ts'

/** Requests of a peer that are open at a time: four seconds' worth at 16 MB/s. */
const MAX_OPEN_REQUESTS = 4096
/** The metadata goes out in parts of that size (BEP 9). Bytes. */
const METADATA_PART_BYTES = 16 * 1024
/** A peer that has got everything so often does not ask out of need; no upload limit counts it. */
const MAX_METADATA_COPIES = 2

export class PeerConduct {
  readonly #torrent: Torrent
  readonly #layout: PieceLayout
  readonly #exclusions: Exclusions
  readonly #shownOut = new WeakSet<Wire>()

  constructor(torrent: Torrent, layout: PieceLayout, exclusions: Exclusions) {
    this.#torrent = torrent
    this.#layout = layout
    this.#exclusions = exclusions
    torrent.on('wire', (wire) => this.#guard(wire))
  }

  /** Shows every wire of the peer out, for good, and counts it against its address. */
  expel(peerId: string): void {
    for (const wire of [...this.#torrent.wires]) {
      if (wire.peerId === peerId) this.#showOut(wire, true)
    }
  }

  /** Shows a wire out that says what makes no sense. */
  refuse(wire: Wire): void {
    this.#showOut(wire, false)
  }

  /** Closes a wire at once; its peer may come back. */
  hangUp(wire: Wire): void {
    this.#shownOut.add(wire)
    wire._parse(Number.MAX_VALUE, () => {}) // what lies in the buffer is not read any more
    const contact = this.#contactOf(wire)
    if (contact) this.#torrent.removePeer(contact.id)
    else wire.destroy()
  }

  #contactOf(wire: Wire) {
    return [...(this.#torrent._peers?.values() ?? [])].find((peer) => peer.wire === wire)
  }

  #guard(wire: Wire): void {
    const budget = new MessageBudget(performance.now())
    const isOver = (): boolean => this.#shownOut.has(wire)
    const pays = (cost: number): boolean => {
      if (budget.spend(cost, performance.now())) return true
      this.#showOut(wire, true)
      return false
    }
    // One that presents itself differently here than to the tracker is hiding something.
    const contact = this.#contactOf(wire)
    if (contact && contact.id !== wire.peerId) {
      this.#exclusions.exclude(contact.id, wire.remoteAddress ?? null, true)
      queueMicrotask(() => this.hangUp(wire)) // WebTorrent is about to greet it
      return
    }
    wire.setTimeout(0) // it goes by the clock on the wall, and every cancelled request resets it
    const onLength = wire._onMessageLength.bind(wire)
    wire._onMessageLength = (bytes) => {
      if (isOver()) return
      const length = uint32(bytes, 0)
      if (length > MAX_MESSAGE_BYTES) this.#showOut(wire, false)
      else if (length > 0 || pays(costOf(null, undefined))) onLength(bytes)
    }
    const onMessage = wire._onMessage.bind(wire)
    wire._onMessage = (message) => {
      if (isOver()) return
      if (faultOf(message, this.#layout) !== null) {
        this.#showOut(wire, false)
        return
      }
      const kind = message[0] as number
      const extension = wire.extendedMapping[message[1] as number]
      const isHave = kind === MESSAGE.have
      const cost = isHave ? budget.costOfHave(uint32(message, 1)) : costOf(kind, extension)
      if (!pays(cost)) return
      const handshake = wire.peerExtendedHandshake
      try {
        onMessage(message)
      } catch {
        this.#showOut(wire, false)
        return
      }
      this.#lookBack(wire, message, handshake)
    }
    wire.on('upload', () => budget.giveBack(1))
    wire.lt_donthave.on('donthave', (index) => budget.takenBack(index))
    const metadataParts = Math.ceil(wire.extendedHandshake.metadata_size / METADATA_PART_BYTES)
    let answersLeft = MAX_METADATA_COPIES * metadataParts
    const extended = wire.extended.bind(wire)
    wire.extended = (name, message) => {
      if (name === 'ut_metadata' && --answersLeft < 0) {
        this.#showOut(wire, true)
        return
      }
      // A peer may take back what it said it understands; WebTorrent throws then.
      if (typeof name === 'number' || wire.peerExtendedMapping[name]) extended(name, message)
    }
  }

  /**
   * After WebTorrent has taken a message.
   * @param handshake the extended handshake that was known before it
   */
  #lookBack(wire: Wire, message: Uint8Array, handshake: object): void {
    const kind = message[0]
    if (kind === MESSAGE.haveAll) believeInPart(wire, this.#layout)
    else if (kind === MESSAGE.request) {
      if (wire.peerRequests.length > MAX_OPEN_REQUESTS) this.#showOut(wire, true)
    } else if (kind === MESSAGE.extended && message[1] === 0) {
      const wasUnreadable = wire.peerExtendedHandshake === handshake
      if (wasUnreadable) this.#showOut(wire, false)
      else forgetExtensions(wire)
    }
  }

  /** @param isMeant false for what may be the mistake of a program that many use */
  #showOut(wire: Wire, isMeant: boolean): void {
    if (this.#shownOut.has(wire)) return
    this.#exclusions.exclude(wire.peerId, wire.remoteAddress ?? null, isMeant)
    this.hangUp(wire)
  }
}

/** What we do not have ourselves: WebTorrent keeps every name that it was ever told. */
function forgetExtensions(wire: Wire): void {
  const ours = new Set(Object.values(wire.extendedMapping))
  for (const name of Object.keys(wire.peerExtendedMapping)) {
    if (!ours.has(name)) delete wire.peerExtendedMapping[name]
  }
}

/**
 * A peer that has all pieces is taken by its word whatever it gives up later (BEP 54); as a bitfield,
 * that is noticed.
 */
function believeInPart(wire: Wire, { count }: PieceLayout): void {
  const bits = new Uint8Array(Math.ceil(count / 8)).fill(255)
  wire._onBitField(bits)
}
