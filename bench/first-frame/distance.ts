// Puts servers at a distance: a line before each that hands on everything after a while, both ways.
// What is under way is bounded, as it is by the windows of TCP, so the rate is too (170 Mbit/s at 50 ms);
// else a film that is asked for whole would be pumped through here beside what is measured.
// Whoever made the distance closes it.
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

const UNDER_WAY_BYTES = 2 ** 20

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
    let underWay = 0
    from.on('data', (bytes) => {
      underWay += bytes.length
      if (underWay >= UNDER_WAY_BYTES) from.pause()
      later(() => to.write(bytes, arrived(bytes.length)))
    })
    const arrived = (length: number) => () => {
      underWay -= length
      from.resume()
    }
    from.once('end', () => later(() => to.end()))
    from.on('error', () => to.destroy())
    from.once('close', () => {
      this.#sockets.delete(from)
      later(() => to.destroy())
    })
  }
}
