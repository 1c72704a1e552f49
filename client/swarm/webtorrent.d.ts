// What we use of WebTorrent's browser bundle, pinned to 3.0.21: the published types describe an
// older version. Members with an underscore are private to it; docs/decisions/0004 says where they
// are used.
declare module 'webtorrent/dist/webtorrent.min.js' {
  import type { ChunkStore } from '../storage/piece-store.ts'
  import type { WebRtcPeer } from './webrtc-peers.ts'

  interface Bits {
    get(index: number): boolean
  }

  /** One connection to a peer (bittorrent-protocol). */
  export interface Wire {
    /** 40 hex digits. */
    readonly peerId: string
    readonly peerChoking: boolean
    readonly amInterested: boolean
    readonly peerPieces: Bits
    /** BEP 6 holds: requests can be refused. */
    readonly hasFast: boolean
    /** IP address, when the browser tells it. */
    readonly remoteAddress?: string
    /** Asks for a block; `done` gets it, or an error when it was cancelled, refused or never came. */
    request: (
      index: number,
      offset: number,
      length: number,
      done: (error: Error | null, bytes?: Uint8Array) => void,
    ) => void
    reject(index: number, offset: number, length: number): void
    /** Fails the oldest request after so many milliseconds without a block; 0 for never. */
    setTimeout(ms: number): void
    /** Our numbers of the extensions → their names. */
    readonly extendedMapping: Readonly<Record<number, string>>
    /** Names of the extensions that the peer has → its numbers, 0 for those it has no more. */
    readonly peerExtendedMapping: Record<string, number>
    /** What ours says besides names; the metadata's size in bytes is there from the start (BEP 9). */
    readonly extendedHandshake: { readonly metadata_size: number }
    /** Another object after each handshake that could be read (BEP 10). */
    readonly peerExtendedHandshake: { readonly reqq?: unknown }
    _parse(bytes: number, parser: (bytes: Uint8Array) => void): void
    /** Gets the four bytes before a message. */
    _onMessageLength: (bytes: Uint8Array) => void
    /** Gets a message, without its length. */
    _onMessage: (message: Uint8Array) => void
    _onBitField(bits: Uint8Array): void
    /** The stream wants more: what was to go out is nearly gone. */
    _read: (done: (error: Error | null) => void) => void
    /** `buffered` counts bytes that are to go out. */
    readonly _readableState: { readonly buffered: number }
    readonly requests: readonly { piece: number; offset: number; length: number }[]
    /** BEP 54; says nothing to peers that do not know it. */
    readonly lt_donthave: {
      donthave(index: number): void
      /** The peer has given up a piece that it had. */
      on(event: 'donthave', listener: (index: number) => void): void
    }
    /** Payload bytes per second. */
    downloadSpeed: () => number
    have(index: number): void
    cancel(index: number, offset: number, length: number): void
    choke(): void
    unchoke: () => void
    emit: (event: string, ...values: unknown[]) => boolean
    readonly destroyed: boolean
    /** What the peer asks for and has not got yet. */
    readonly peerRequests: readonly { piece: number; offset: number; length: number }[]
    /** Whether we send it nothing at present. */
    readonly amChoking: boolean
    readonly peerInterested: boolean
    /** Adds an extension (BEP 10); its prototype has the `name`. */
    use(extension: new (wire: Wire) => WireExtension): void
    /** Sends a message of an extension that the peer has, by name. */
    extended: (name: string | number, message: Uint8Array) => void
    destroy(): void
    on(event: 'piece', listener: (index: number, offset: number, bytes: Uint8Array) => void): void
    on(event: 'upload', listener: (bytes: number) => void): void
    on(event: 'have', listener: (index: number) => void): void
    on(
      event:
        | 'bitfield'
        | 'have-all'
        | 'have-none'
        | 'choke'
        | 'unchoke'
        | 'interested'
        | 'reject'
        | 'cancel'
        | 'close',
      listener: () => void,
    ): void
  }

  export interface WireExtension {
    /** The peer has the extension too. */
    onExtendedHandshake(): void
    onMessage(bytes: Uint8Array): void
  }

  interface Selection {
    readonly from: number
    /** Included. */
    readonly to: number
    /** How many of them are held: from the first one on, without a gap. */
    offset: number
    /** Above 0, the order among its equals is shuffled. */
    readonly priority: number
  }

  /** A piece that is not verified yet; blocks are counted from 0. */
  interface TorrentPiece {
    /** Bytes. */
    readonly missing: number
    /** So many blocks, from the first one on, have been asked for. */
    _reservations: number
    /**
     * Takes blocks that have come.
     * @param source who sent them
     */
    set(block: number, bytes: Uint8Array, source: unknown): boolean
  }

  export interface Torrent {
    readonly infoHash: string
    readonly length: number
    readonly pieceLength: number
    readonly bitfield: Bits
    readonly wires: readonly Wire[]
    readonly destroyed: boolean
    /**
     * Takes over a connection that is up.
     * @returns false when it was refused and closed
     */
    addPeer(connection: WebRtcPeer): boolean
    /** @param id that of the connection */
    removePeer(id: string): void
    /** By the ids of their connections; `null` after the end. */
    readonly _peers: ReadonlyMap<string, { readonly id: string; readonly wire: Wire | null }> | null
    /** What peers are asked for, first to last, without what is held from its beginning on. */
    readonly _selections: { _items: Selection[] }
    /** To be called when `_selections` has changed. */
    _updateSelections(): void
    on(event: 'metadata' | 'ready' | 'close', listener: () => void): void
    on(event: 'error' | 'warning', listener: (error: Error | string) => void): void
    on(event: 'wire', listener: (wire: Wire) => void): void
    on(event: 'verified', listener: (index: number) => void): void
    /** SHA-1 of each piece, 40 hex digits. */
    readonly _hashes: readonly string[]
    /** `null` for verified pieces. */
    readonly pieces: readonly (TorrentPiece | null)[]
    _markVerified(index: number): void
    _markUnverified(index: number): void
    _checkDone(): void
    /** Asks the wire for one more block of the piece. @returns false when there was none to ask for */
    _request: (wire: Wire, index: number, hotswap: boolean) => boolean
    _hotswap: (wire: Wire, index: number) => boolean
    /** Something has changed: has peers asked for more, soon. */
    _update: () => void
    /** Does so now, in a random order. */
    _updateWireWrapper(): void
    /** The same for one of them. */
    _updateWire: (wire: Wire) => void
    /** Peers that are sent to at a time. */
    _rechokeNumSlots: number
    _rechoke(): void
  }

  export interface WebTorrentOptions {
    dht: false
    lsd: false
    utPex: boolean
    webSeeds: false
    /** Connections are handed to the torrent by `addPeer`. */
    tracker: false
    /** 40 hex digits. */
    peerId: string
  }

  export interface AddOptions {
    preloadedStore: ChunkStore
    storeCacheSlots: number
    deselect: boolean
    /** Peers that are sent to at a time; 10 when left out. */
    uploads?: number
  }

  export default class WebTorrent {
    constructor(options: WebTorrentOptions)
    readonly peerId: string
    readonly destroyed: boolean
    add(torrent: Uint8Array, options: AddOptions): Torrent
    on(event: 'error', listener: (error: Error | string) => void): void
    destroy(done: () => void): void
  }
}
