// A peer that does what no client does: a page of a real browser that meets viewers over the real
// tracker and WebRTC, greets them as BitTorrent does (BEP 3, 6, 10), and from then on says what its
// script says, byte for byte. Closing its context ends it.
import type { Browser, BrowserContext, Page } from '@playwright/test'
import type { MediaRecord } from '#protocol/media.ts'

/** A part of a message: a number of four bytes, big endian, or bytes as they are. */
type Part = number | readonly number[] | Uint8Array

interface WantedBlock {
  readonly piece: number
  readonly offset: number
  readonly length: number
}

/** One connection to a viewer, as a script sees it; the greeting is over. */
interface RogueWire {
  /**
   * Sends a message with its length in front. Kinds (BEP 3, 6, 10): 0 choke, 1 unchoke, 2 interested,
   * 4 have, 5 bitfield, 6 request, 7 piece, 16 reject, 20 extended.
   */
  say(kind: number, ...parts: Part[]): void
  /** Sends bytes as they are. */
  raw(bytes: readonly number[] | Uint8Array | string): void
  /** Sends a message of an extension that the viewer has. */
  extension(name: string, ...parts: Part[]): void
  /** Sends a bitfield: all pieces, or none. */
  claim(all: boolean): void
  /** Bytes of the file as they really are. */
  truth(block: WantedBlock): Uint8Array
}

/**
 * What the peer does. Runs in the page: it may use nothing but its arguments. It is called for each
 * viewer that the peer is connected to; what it returns is called for each block that is asked for.
 */
export type RogueScript = (
  wire: RogueWire,
  title: { readonly pieces: number; readonly pieceLength: number; readonly size: number },
) => ((block: WantedBlock) => void) | undefined

export interface RogueOptions {
  readonly script: RogueScript
  /** 40 hex digits; a new one when left out. */
  readonly peerId?: string
  /** What it says in the handshake, when that is not what it told the tracker. */
  readonly handshakeId?: string
  /** The extended handshake, bencoded; one that knows the intent extension when left out. */
  readonly extendedHandshake?: string
}

export interface RoguePeer {
  readonly peerId: string
  /** What has happened so far. */
  seen(): Promise<RogueSeen>
  /** Leaves the tracker and closes its connections. */
  leave(): Promise<void>
}

interface RogueSeen {
  /** Viewers that answered the greeting. Two may make a second connection before they keep one. */
  readonly met: number
  /** Viewers that are connected. */
  readonly open: number
  /** Blocks that viewers asked for. */
  readonly asked: number
  /** Messages received, by their number. */
  readonly heard: Readonly<Record<string, number>>
}

interface RoguePage {
  startRogue(options: object): number
  seenByRogue(rogue: number): RogueSeen
  endRogue(rogue: number): void
}

/** A page in which any number of rogues can live, each with a connection of its own to the tracker. */
export class RogueDen {
  readonly #page: Page
  readonly #context: BrowserContext
  readonly #serverUrl: string
  readonly #media: MediaRecord

  private constructor(context: BrowserContext, page: Page, url: string, media: MediaRecord) {
    this.#context = context
    this.#page = page
    this.#serverUrl = url
    this.#media = media
  }

  /** @param media a title whose real torrent is there */
  static async open(browser: Browser, serverUrl: string, media: MediaRecord): Promise<RogueDen> {
    const context = await browser.newContext({ bypassCSP: true }) // scripts come as text
    const page = await context.newPage()
    await page.goto(`${serverUrl}/healthz`)
    await page.evaluate(installRogues, media.webSeeds[0] ?? '')
    return new RogueDen(context, page, serverUrl, media)
  }

  async start({ script, peerId = newPeerId(), ...options }: RogueOptions): Promise<RoguePeer> {
    const { size } = this.#media
    const infoHash = 'infoHash' in this.#media ? this.#media.infoHash : ''
    const rogue = await this.#page.evaluate(
      (given) => (window as unknown as RoguePage).startRogue(given),
      {
        announceUrl: `${this.#serverUrl.replace(/^http/, 'ws')}/announce`,
        infoHash,
        peerId,
        size,
        script: script.toString(),
        handshakeId: options.handshakeId ?? peerId,
        extendedHandshake: options.extendedHandshake ?? 'd1:md17:slipstream_intenti7eee',
      },
    )
    return {
      peerId,
      seen: () =>
        this.#page.evaluate((id) => (window as unknown as RoguePage).seenByRogue(id), rogue),
      leave: () =>
        this.#page.evaluate((id) => (window as unknown as RoguePage).endRogue(id), rogue),
    }
  }

  async close(): Promise<void> {
    await this.#context.close()
  }
}

/** That of a well-known client, so that our player treats it as a stranger. */
function newPeerId(): string {
  const digits = Array.from({ length: 24 }, () => Math.floor(Math.random() * 16).toString(16))
  return `2d5757303232302d${digits.join('')}`
}

/** Runs in the page, once. */
async function installRogues(fileUrl: string): Promise<void> {
  const file = new Uint8Array(await (await fetch(fileUrl)).arrayBuffer())
  const pieceLength = 256 * 1024 // of titles up to 1 GiB
  const toBytes = (hex: string) =>
    (hex.match(/../g) ?? []).map((digits) => Number.parseInt(digits, 16))
  const toText = (hex: string) => String.fromCharCode(...toBytes(hex))
  const uint32 = (value: number) => [
    value >>> 24,
    (value >>> 16) & 255,
    (value >>> 8) & 255,
    value & 255,
  ]
  const bytesOf = (part: Part) => (typeof part === 'number' ? uint32(part) : part)
  const join = (parts: Part[]) => {
    const all = parts.map(bytesOf)
    const joined = new Uint8Array(all.reduce((sum, { length }) => sum + length, 0))
    let at = 0
    for (const bytes of all) {
      joined.set(bytes, at)
      at += bytes.length
    }
    return joined
  }

  /** A machine may have many addresses; a rogue that is to be known by its own uses one. */
  const withOneAddress = (sdp: string) => {
    const lines = sdp.split('\r\n')
    const isKept = (line: string) => / (?!127\.)\d+\.\d+\.\d+\.\d+ \d+ typ /.test(line)
    if (!lines.some(isKept)) return sdp
    return lines.filter((line) => !line.startsWith('a=candidate') || isKept(line)).join('\r\n')
  }

  const heard = ({ type, sdp = '' }: RTCSessionDescriptionInit) => ({
    type,
    sdp: withOneAddress(sdp),
  })

  class Rogue {
    asked = 0
    readonly heard: Record<string, number> = {}
    readonly channels: RTCDataChannel[] = []
    /** Ids of those at the other end that answered the greeting. */
    readonly viewers = new Map<RTCDataChannel, string>()
    readonly #connections: RTCPeerConnection[] = []
    readonly #offered = new Map<string, RTCPeerConnection>()
    readonly #options
    readonly #script: RogueScript
    readonly #socket: WebSocket
    #timer: ReturnType<typeof setTimeout> | undefined

    constructor(options: {
      readonly announceUrl: string
      readonly infoHash: string
      readonly peerId: string
      readonly handshakeId: string
      readonly extendedHandshake: string
      readonly script: string
    }) {
      this.#options = options
      this.#script = new Function(`return (${options.script})`)()
      this.#socket = new WebSocket(options.announceUrl)
      this.#socket.onopen = () => this.#announce('started')
      this.#socket.onmessage = ({ data }) => this.#onTracker(JSON.parse(data))
    }

    end(): void {
      clearTimeout(this.#timer)
      this.#socket.close()
      for (const connection of this.#connections) connection.close()
    }

    #tell(message: object): void {
      const { infoHash, peerId } = this.#options
      const ids = { info_hash: toText(infoHash), peer_id: toText(peerId) }
      this.#socket.send(JSON.stringify({ action: 'announce', ...ids, ...message }))
    }

    /** The tracker hands offers to anybody, rogues as well: again, until a viewer has got one. */
    async #announce(event?: 'started'): Promise<void> {
      const offers: object[] = []
      for (const number of [1, 2, 3]) {
        const connection = this.#connect()
        const offerId = `${this.#connections.length}-${number}`.padStart(20, 'o')
        this.#open(connection.createDataChannel('rogue'))
        await connection.setLocalDescription()
        const sdp = await this.#described(connection)
        this.#offered.set(offerId, connection)
        offers.push({ offer: { type: 'offer', sdp }, offer_id: offerId })
      }
      this.#tell({ event, numwant: offers.length, left: 1, offers })
      this.#timer = setTimeout(() => {
        if (this.channels.length === 0) void this.#announce()
      }, 1000)
    }

    async #onTracker(message: {
      readonly peer_id: string
      readonly offer_id: string
      readonly offer?: RTCSessionDescriptionInit
      readonly answer?: RTCSessionDescriptionInit
    }): Promise<void> {
      const { peer_id: from, offer_id: offerId } = message
      if (!from?.startsWith('-SL')) return // no viewer
      if (message.answer) {
        await this.#offered.get(offerId)?.setRemoteDescription(heard(message.answer))
      } else if (message.offer) {
        const connection = this.#connect()
        connection.ondatachannel = ({ channel }) => this.#open(channel)
        await connection.setRemoteDescription(heard(message.offer))
        await connection.setLocalDescription()
        const answer = { type: 'answer', sdp: await this.#described(connection) }
        this.#tell({ to_peer_id: from, offer_id: offerId, answer })
      }
    }

    #connect(): RTCPeerConnection {
      const connection = new RTCPeerConnection()
      this.#connections.push(connection)
      return connection
    }

    #described(connection: RTCPeerConnection): Promise<string> {
      return new Promise((resolve) => {
        const look = () => {
          if (connection.iceGatheringState === 'complete')
            resolve(withOneAddress(connection.localDescription?.sdp ?? ''))
        }
        connection.onicegatheringstatechange = look
        look()
      })
    }

    #open(channel: RTCDataChannel): void {
      channel.binaryType = 'arraybuffer'
      let rest = new Uint8Array(0)
      let wanted: ((block: WantedBlock) => void) | undefined
      let viewer = ''
      const extensions: Record<string, number> = {}
      const send = (bytes: Uint8Array) => {
        if (channel.readyState !== 'open') return
        for (let at = 0; at < bytes.length; at += 65_536) {
          channel.send(bytes.slice(at, at + 65_536))
        }
      }
      const wire: RogueWire = {
        say: (kind, ...parts) => {
          const body = join(parts)
          send(join([body.length + 1, [kind], body]))
        },
        raw: (bytes) => {
          if (typeof bytes === 'string') channel.send(bytes)
          else send(Uint8Array.from(bytes))
        },
        extension: (name, ...parts) => wire.say(20, [extensions[name] ?? 0], ...parts),
        claim: (all) => {
          const pieces = Math.ceil(file.length / pieceLength)
          const bits = new Uint8Array(Math.ceil(pieces / 8))
          for (let i = 0; all && i < pieces; i += 1) {
            bits[i >> 3] = (bits[i >> 3] ?? 0) | (128 >> (i % 8))
          }
          wire.say(5, bits)
        },
        truth: ({ piece, offset, length }) => {
          const start = piece * pieceLength + offset
          return file.slice(start, start + length)
        },
      }
      const hear = (message: Uint8Array) => {
        const kind = message[0] ?? -1
        this.heard[kind] = (this.heard[kind] ?? 0) + 1
        const view = new DataView(message.buffer, message.byteOffset)
        if (kind === 20 && message[1] === 0) {
          const text = String.fromCharCode(...message.subarray(2))
          for (const [, name, number] of text.matchAll(/\d+:(\w+)i(\d+)e/g)) {
            extensions[name as string] = Number(number)
          }
          begin()
        }
        if (kind === 6) {
          this.asked += 1
          const block = { piece: view.getUint32(1), offset: view.getUint32(5) }
          wanted?.({ ...block, length: view.getUint32(9) })
        }
      }
      /** As soon as the viewer's extensions are known: it always names them. */
      const begin = () => {
        if (this.viewers.has(channel)) return
        this.viewers.set(channel, viewer)
        const pieces = Math.ceil(file.length / pieceLength)
        wanted = this.#script(wire, { pieces, pieceLength, size: file.length }) ?? undefined
      }
      channel.onmessage = ({ data }) => {
        rest = join([rest, new Uint8Array(data)])
        if (rest[0] === 19) {
          if (rest.length < 68) return
          viewer = rest.slice(48, 68).join()
          rest = rest.slice(68)
        }
        while (rest.length >= 4) {
          const length = new DataView(rest.buffer, rest.byteOffset).getUint32(0)
          if (rest.length < 4 + length) return
          if (length > 0) hear(rest.slice(4, 4 + length))
          rest = rest.slice(4 + length)
        }
      }
      channel.onopen = () => {
        this.channels.push(channel)
        const { infoHash, handshakeId, extendedHandshake } = this.#options
        const text = (value: string) => Array.from(value, (char) => char.charCodeAt(0))
        const reserved = [0, 0, 0, 0, 0, 0x10, 0, 0x04] // extended, fast
        const ids = [toBytes(infoHash), toBytes(handshakeId)]
        send(join([[19], text('BitTorrent protocol'), reserved, ...ids]))
        wire.say(20, [0], text(extendedHandshake))
      }
    }
  }

  const rogues: Rogue[] = []
  const page: RoguePage = {
    startRogue: (options) =>
      rogues.push(new Rogue(options as ConstructorParameters<typeof Rogue>[0])) - 1,
    seenByRogue: (id) => {
      const { asked, heard, channels, viewers } = rogues[id] as Rogue
      const open = channels.filter(({ readyState }) => readyState === 'open')
      return {
        met: new Set(viewers.values()).size,
        asked,
        heard,
        open: new Set(open.map((channel) => viewers.get(channel) ?? channel)).size,
      }
    },
    endRogue: (id) => rogues[id]?.end(),
  }
  Object.assign(window, page)
}
