// Puts servers at a distance: a line before each that hands on everything after a while, both ways.
// Its rate is not limited. Whoever made the distance closes it.
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

export class Distance {
  readonly #oneWayMs: number
  readonly #lines = new Map<string, Server>()
  readonly #sockets = new Set<Socket>()

  /** @param oneWayMs milliseconds that everything is under way */
  constructor(oneWayMs: number) {
    this.#oneWayMs = oneWayMs
  }

  /**
   * @param origin `http://host:port` of a server here
   * @returns the same server from afar
   */
  async from(origin: string): Promise<string> {
    const { hostname, port } = new URL(origin)
    let line = this.#lines.get(origin)
    if (!line) {
      line = createServer((near) => {
        const far = connect(Number(port), hostname)
        this.#carry(near, far)
        this.#carry(far, near)
      })
      this.#lines.set(origin, line)
      line.listen(0, '127.0.0.1')
      await once(line, 'listening')
    }
    return `http://localhost:${(line.address() as AddressInfo).port}`
  }

  close(): void {
    for (const line of this.#lines.values()) line.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  #carry(from: Socket, to: Socket): void {
    const later = (act: () => void) => setTimeout(act, this.#oneWayMs)
    this.#sockets.add(from)
    from.on('data', (bytes) => later(() => to.write(bytes)))
    from.once('end', () => later(() => to.end()))
    from.on('error', () => to.destroy())
    from.once('close', () => {
      this.#sockets.delete(from)
      later(() => to.destroy())
    })
  }
}
