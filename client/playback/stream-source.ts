// What the `<video>` of a playback plays: its stream, whose bytes come from the readers of the engine,
// after a head that comes from the server itself when there is one (head-start.ts). The engine owns and
// closes it.
import { etagOf, type MediaRecord } from '#protocol/media.ts'
import { streamPath, streamSession } from '#protocol/stream.ts'
import { ownPath } from '../remote/own-address.ts'
import type { Bytes } from '../storage/piece-store.ts'
import { setSource } from './direct-playback.ts'
import { type HeadStart, readHead, releaseHead } from './head-start.ts'
import type { ByteRange, Reader } from './reader.ts'
import { serveStreams } from './stream-server.ts'

/** With so little left, what plays does not wait for the worker any longer. Seconds. */
const SCARCE_SECONDS = 0.6

export interface StreamSourceOptions {
  readonly media: MediaRecord
  readonly video: HTMLVideoElement
  /** With what the `<video>` was started, or `null`. */
  readonly head: HeadStart | null
  readonly openReader: (range: ByteRange) => Reader
}

export class StreamSource {
  readonly #options: StreamSourceOptions
  #head: HeadStart | null
  /** Page and worker have found each other. */
  #wasRead = false
  #stop: () => void = () => {}

  constructor(options: StreamSourceOptions) {
    this.#options = options
    this.#head = options.head
    if (this.#head) this.#serve(this.#head.session)
  }

  /** The byte after the last one that the server gives the `<video>` itself; 0 when it gives none. */
  get headEnd(): number {
    return this.#head?.end ?? 0
  }

  /** The worker has asked the page for something. */
  get wasRead(): boolean {
    return this.#wasRead
  }

  /** The worker is there: sets the `src`, unless the `<video>` was started with it. */
  open(): void {
    const { media, video } = this.#options
    const head = this.#head
    if (head) {
      releaseHead(head)
      // One that is on its way still, the server has not heard of: by then it has.
      const again = (): void => {
        if (this.#head === head && !this.#wasRead) releaseHead(head)
      }
      if (video.readyState < HTMLMediaElement.HAVE_METADATA) {
        video.addEventListener('loadedmetadata', again, { once: true })
      }
      return
    }
    const session = streamSession(media.revision, crypto.randomUUID())
    this.#serve(session)
    setSource(video, ownPath(streamPath(media.id, session, media.filename)))
  }

  /**
   * What plays must not wait for a slow worker; and the server may not have heard of it.
   * @param bufferedSeconds what the `<video>` has left
   */
  releaseIfScarce(bufferedSeconds: number): void {
    const { video } = this.#options
    if (this.#head === null || this.#wasRead || video.paused || video.ended) return
    if (bufferedSeconds < SCARCE_SECONDS) releaseHead(this.#head)
  }

  /** @returns the head, once the `<video>` has it; `null` when it is not to be had, or there is none */
  async readHead(signal: AbortSignal): Promise<{ url: string; bytes: Bytes } | null> {
    const head = this.#head
    const bytes = head && (await readHead(head, signal))
    return bytes && { url: head.src, bytes }
  }

  /**
   * Call it when the `<video>` has an error.
   * @returns whether the server could not give it the head, which is no matter then: `open` starts anew
   */
  giveUpHead(): boolean {
    if (this.#head === null || this.#wasRead) return false
    this.#stop()
    this.#head = null
    return true
  }

  /** Ends every stream. */
  close(): void {
    this.#stop()
  }

  #serve(session: string): void {
    const { media, openReader } = this.#options
    this.#stop = serveStreams({
      session,
      size: media.size,
      type: media.type,
      etag: etagOf(media),
      openReader: (range) => {
        this.#wasRead = true
        return openReader(range)
      },
    })
  }
}
