// What the server counts of itself, for Prometheus on `/metrics`.
import { Counter, collectDefaultMetrics, Registry } from 'prom-client'

/** @returns counters of one server; nothing is shared between two of them */
export function createMetrics() {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  return {
    /** Payload bytes of media files that were handed to sockets. */
    webSeedBytes: new Counter({
      name: 'slipstream_web_seed_bytes_total',
      help: 'Payload bytes of media files sent over HTTP.',
      registers: [registry],
    }),
    /** The text that Prometheus reads, and its content type. */
    async render(): Promise<{ type: string; text: string }> {
      return { type: registry.contentType, text: await registry.metrics() }
    },
  }
}
