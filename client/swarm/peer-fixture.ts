// For tests: a peer that says what it likes, byte for byte.
import { Duplex } from 'node:stream'
import bencode from 'bencode'
import { newPeerId } from './peer-id.ts'
import { MESSAGE } from './wire-messages.ts'

/** Of BEP 3: goes before all messages. */
const HANDSHAKE_BYTES = 68

/** The other end of a connection, as far as a byte stream goes. */
export class PlainPeer extends Duplex {
  readonly connected = true
  readonly id: string
  readonly remoteAddress: string
  readonly #infoHash: Uint8Array
  #heard = Buffer.alloc(0)

  /** @param infoHash 20 bytes */
  constructor(infoHash: Uint8Array, address: string, id = newPeerId()) {
    super()
    this.#infoHash = infoHash
    this.id = id
    this.remoteAddress = address
  }
  override _read(): void {}
  override _write(bytes: Uint8Array, _encoding: string, done: () => void): void {
    this.#heard = Buffer.concat([this.#heard, bytes])
    done()
  }
  /** Greets as BEP 3, 6 and 10 have it; the peer knows extensions by our numbers for them. */
  greet(handshakeId = this.id): void {
    const reserved = Buffer.from([0, 0, 0, 0, 0, 0x10, 0, 0x04])
    const name = Buffer.from('\x13BitTorrent protocol')
    this.push(Buffer.concat([name, reserved, this.#infoHash, Buffer.from(handshakeId, 'hex')]))
  }
  say(kind: number, ...parts: (number | Uint8Array)[]): void {
    const body = Buffer.concat(
      parts.map((part) => {
        if (typeof part !== 'number') return part
        const four = Buffer.alloc(4)
        four.writeUInt32BE(part)
        return four
      }),
    )
    const head = Buffer.alloc(5)
    head.writeUInt32BE(body.length + 1)
    head[4] = kind
    this.push(Buffer.concat([head, body]))
  }
  handshake(dictionary: object): void {
    this.say(MESSAGE.extended, Buffer.of(0), bencode.encode(dictionary))
  }
  extension(name: string, bytes: Uint8Array): void {
    const number = new RegExp(`${name.length}:${name}i(\\d+)e`).exec(this.#heard.toString('latin1'))
    this.say(MESSAGE.extended, Buffer.of(Number(number?.[1])), bytes)
  }
  /** Messages heard of an extension that this peer calls by the number. */
  heard(number: number): number {
    const messages = [...this.#messages()]
    return messages.filter(({ kind, body }) => kind === MESSAGE.extended && body[0] === number)
      .length
  }
  /** What was asked for so far. */
  requests(): { piece: number; offset: number; length: number }[] {
    return [...this.#messages()]
      .filter(({ kind }) => kind === MESSAGE.request)
      .map(({ body }) => ({
        piece: body.readUInt32BE(0),
        offset: body.readUInt32BE(4),
        length: body.readUInt32BE(8),
      }))
  }
  *#messages(): Generator<{ kind: number; body: Buffer }> {
    for (let at = HANDSHAKE_BYTES; at + 4 < this.#heard.length; ) {
      const end = at + 4 + this.#heard.readUInt32BE(at)
      if (end > at + 4)
        yield { kind: this.#heard[at + 4] ?? 0, body: this.#heard.subarray(at + 5, end) }
      at = end
    }
  }
}
