// Finds out who sent what is wrong in a piece that failed verification. A peer that sent all of it is
// at fault. When several sent parts, nobody is accused yet: digests of the parts are kept until the
// piece has come right, from whomever, and whoever's part differs is at fault. Until then only one
// peer at a time is asked for the piece, so that it cannot fail for ever. No clock, no network.
import type { PieceIndex } from '#protocol/pieces.ts'

export interface PieceBlameOptions {
  /** Reads from a piece that is held and right; `null` when it is gone already. */
  readonly read: (index: PieceIndex, offset: number, length: number) => Promise<Uint8Array | null>
  /** The peer has sent wrong data in so many pieces. */
  readonly onFault: (peerId: string, pieces: number) => void
}

interface Part {
  readonly offset: number
  readonly bytes: Uint8Array
  readonly peerId: string
}

/** What a part of a wrong piece was like. */
interface Evidence extends Omit<Part, 'bytes'> {
  readonly length: number
  readonly digest: Promise<string>
}

export class PieceBlame {
  readonly #options: PieceBlameOptions
  /** Parts of pieces that are not whole yet, or not verified. */
  readonly #parts = new Map<PieceIndex, Map<number, Part>>()
  readonly #evidence = new Map<PieceIndex, Evidence[]>()
  /** Who alone is asked for a piece that failed with parts of several peers. */
  readonly #trustees = new Map<PieceIndex, string>()
  readonly #faults = new Map<string, number>()

  constructor(options: PieceBlameOptions) {
    this.#options = options
  }

  /** A part came that was asked for. */
  took(peerId: string, index: PieceIndex, offset: number, bytes: Uint8Array): void {
    const parts = this.#parts.get(index) ?? new Map<number, Part>()
    this.#parts.set(index, parts.set(offset, { offset, bytes, peerId }))
  }

  /** The piece is whole and wrong. */
  failed(index: PieceIndex): void {
    const parts = [...(this.#parts.get(index)?.values() ?? [])]
    this.#parts.delete(index)
    this.#trustees.delete(index)
    const [first] = parts
    if (!first) return
    if (parts.every(({ peerId }) => peerId === first.peerId)) {
      this.#accuse(first.peerId)
      return
    }
    const found = parts.map(({ bytes, ...part }) => {
      return { ...part, length: bytes.length, digest: digestOf(bytes) }
    })
    this.#evidence.set(index, [...(this.#evidence.get(index) ?? []), ...found])
  }

  /** The piece is held and right, from wherever it came. */
  verified(index: PieceIndex): void {
    this.#parts.delete(index)
    this.#trustees.delete(index)
    const evidence = this.#evidence.get(index)
    this.#evidence.delete(index)
    if (evidence) void this.#compare(index, evidence)
  }

  /** @returns false while another peer alone is asked for the piece */
  mayAsk(peerId: string, index: PieceIndex): boolean {
    return (this.#trustees.get(index) ?? peerId) === peerId
  }

  /** The peer has been asked for a part. */
  asked(peerId: string, index: PieceIndex): void {
    if (this.#evidence.has(index)) this.#trustees.set(index, peerId)
  }

  /** The peer is gone, or falls silent: others may be asked for what it alone was asked for. */
  letGo(peerId: string): void {
    for (const [index, trustee] of this.#trustees) {
      if (trustee === peerId) this.#trustees.delete(index)
    }
  }

  async #compare(index: PieceIndex, evidence: readonly Evidence[]): Promise<void> {
    const atFault = new Set<string>()
    for (const { offset, length, digest, peerId } of evidence) {
      const right = await this.#options.read(index, offset, length)
      if (right && (await digestOf(right)) !== (await digest)) atFault.add(peerId)
    }
    for (const peerId of atFault) this.#accuse(peerId)
  }

  #accuse(peerId: string): void {
    const pieces = (this.#faults.get(peerId) ?? 0) + 1
    this.#faults.set(peerId, pieces)
    this.#options.onFault(peerId, pieces)
  }
}

async function digestOf(bytes: Uint8Array): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-1', bytes as Uint8Array<ArrayBuffer>)
  return new Uint8Array(digest).join()
}
