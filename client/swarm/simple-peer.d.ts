// What we use of simple-peer 10 as WebTorrent itself has it; the package has no types.
declare module '@thaunknown/simple-peer/lite.js' {
  interface SimplePeerOptions {
    initiator: boolean
    /** False: one description with all candidates in it, as the tracker protocol wants. */
    trickle: false
    config: RTCConfiguration
    /** From the first candidate until the description goes out in any case. Milliseconds. */
    iceCompleteTimeout: number
  }

  /** A WebRTC data channel as a duplex stream. */
  export default class SimplePeer {
    constructor(options: SimplePeerOptions)
    /** WebTorrent takes it for the peer's id: 40 hex digits. */
    id?: string
    readonly connected: boolean
    /** Bytes that wait to leave. */
    readonly bufferSize: number
    /** IP address of the other end once connected, when the browser tells it. */
    readonly remoteAddress?: string
    /** A message has come; text is pushed as a string. */
    _onChannelMessage: (event: MessageEvent) => void
    /** Sends a message, and calls back when the next one may follow. Called by the stream. */
    _write(chunk: Uint8Array, done: (error: Error | null) => void): void
    /** The same for several of them. Called by `autoBatch`. */
    _writev(chunks: Uint8Array[], done: (error: Error | null) => void): void
    readonly _writableState: {
      /** Hands a chunk and all that waits to `_writev`. */
      autoBatch(chunk: Uint8Array, done: (error: Error | null) => void): void
    }
    signal(description: RTCSessionDescriptionInit): void
    destroy(): void
    on(event: 'signal', listener: (description: RTCSessionDescriptionInit) => void): this
    on(event: 'iceStateChange', listener: (state: RTCIceConnectionState) => void): this
    on(event: 'connect' | 'disconnect' | 'error' | 'finish' | 'close', listener: () => void): this
  }
}
