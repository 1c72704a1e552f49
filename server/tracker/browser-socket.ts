// A browser's connection to the tracker. What the library would stumble over is answered here and
// does not reach it: it parses without asking what came out, and what it throws later would end the
// server. The tracker closes it.
import { type RawData, WebSocket } from 'ws'

/** A browser that is there answers within that time; whoever takes its place waits for it. */
const ANSWER_MS = 3000

export class BrowserSocket extends WebSocket {
  #hasAnswered = true
  #asking: Promise<boolean> | null = null

  override emit(event: string | symbol, ...values: unknown[]): boolean {
    if (event === 'pong') this.#hasAnswered = true
    if (event !== 'message') return super.emit(event, ...values)
    if (!beginsAsObject(values[0] as RawData)) {
      this.#refuse('the message is not a JSON object')
      return true
    }
    try {
      return super.emit(event, ...values)
    } catch {
      this.#refuse('the message is malformed')
      return true
    }
  }

  /** Called now and then, it gives up a browser that has not answered since the last time. */
  keepAlive(): void {
    if (this.#hasAnswered) this.ping()
    else this.terminate()
    this.#hasAnswered = false
  }

  /** @returns whether the browser answers; if not, the connection is closed by then */
  isThere(): Promise<boolean> {
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = null
    })
    return this.#asking
  }

  async #ask(): Promise<boolean> {
    if (this.readyState === WebSocket.CLOSED) return false
    return new Promise((resolve) => {
      const patience = this.readyState === WebSocket.OPEN ? ANSWER_MS : 0
      const timer = setTimeout(() => this.terminate(), patience)
      const settle = (isThere: boolean): void => {
        clearTimeout(timer)
        this.off('pong', onPong).off('close', onClose)
        resolve(isThere)
      }
      const onPong = (): void => settle(true)
      const onClose = (): void => settle(false)
      this.on('pong', onPong).on('close', onClose)
      this.ping()
    })
  }

  #refuse(reason: string): void {
    this.send(JSON.stringify({ 'failure reason': reason }), () => {}) // it may be gone by now
  }
}

/** Cheaper than parsing twice: JSON that begins with a brace is an object, or no JSON at all. */
function beginsAsObject(message: RawData): boolean {
  const text = message as Buffer // the `binaryType` of the server's sockets
  const first = text.find((byte) => byte !== 0x20 && (byte < 0x09 || byte > 0x0d))
  return first === 0x7b
}
