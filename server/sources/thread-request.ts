// A request of the build thread to a source. Its bytes are read a little ahead, and given out in
// portions: whatever has come when one is asked for. The thread ends it.
import type { SourceClient, SourceSpan } from './source-client.ts'

/** Read ahead of who asks. */
const AHEAD_BYTES = 256 * 1024

export class ThreadRequest {
  readonly #stop = new AbortController()
  #ready: Uint8Array[] = []
  #readyBytes = 0
  #portion: readonly Uint8Array[] = []
  #end: 'none' | 'whole' | { readonly cause: unknown } = 'none'
  #changed: () => void = () => {}
  #taken: () => void = () => {}

  /**
   * Asks the source, and goes on to read once its answer is the span that was asked for.
   * @throws as `SourceClient.read`
   */
  async begin(
    client: Pick<SourceClient, 'read'>,
    url: URL,
    span: Omit<SourceSpan, 'signal'>,
  ): Promise<void> {
    const { signal } = this.#stop
    const body = await client.read(url, { ...span, signal })
    void this.#readAhead(body)
  }

  /**
   * @returns the bytes of the next portion, 0 when all have been given out
   * @throws what went wrong after them
   */
  async next(): Promise<number> {
    this.#portion = []
    while (this.#ready.length === 0) {
      if (this.#end === 'whole') return 0
      if (this.#end !== 'none') throw this.#end.cause
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#changed = resolve
      await promise
    }
    const length = this.#readyBytes
    this.#portion = this.#ready
    this.#ready = []
    this.#readyBytes = 0
    this.#taken()
    return length
  }

  /** @returns the bytes `from` to `to` of the present portion */
  *part(from: number, to: number): Generator<Uint8Array> {
    let start = 0
    for (const bytes of this.#portion) {
      const part = bytes.subarray(Math.max(0, from - start), Math.max(0, to - start))
      if (part.length > 0) yield part
      start += bytes.length
    }
  }

  stop(): void {
    this.#stop.abort(new Error('the request was stopped'))
    this.#taken()
  }

  async #readAhead(body: AsyncIterable<Uint8Array>): Promise<void> {
    try {
      for await (const bytes of body) {
        this.#ready.push(bytes)
        this.#readyBytes += bytes.length
        this.#changed()
        if (this.#readyBytes < AHEAD_BYTES) continue
        const { promise, resolve } = Promise.withResolvers<void>()
        this.#taken = resolve
        if (!this.#stop.signal.aborted) await promise
        this.#stop.signal.throwIfAborted()
      }
      this.#end = 'whole'
    } catch (cause) {
      this.#end = { cause }
    }
    this.#changed()
  }
}
