// (d) What a placeholder costs: time of an answer while 200 requests a second arrive, and its size
// on the wire, for a title of 1 GiB whose torrent is never built while this runs.
import { Agent, get, type IncomingMessage } from 'node:http'
import { TORRENT_KIND_HEADER } from '#protocol/media.ts'
import { startServer } from '../e2e/harness/server.ts'
import { GIB, longClip } from './inputs.ts'
import type { Part } from './part.ts'
import { percentile } from './rounds.ts'

const REQUESTS_PER_SECOND = 200
const WARM_UP_S = 2
const MEASURED_S = 15
const A_DAY_MS = 24 * 3600 * 1000

interface Answer {
  /** From the request's start to the answer's last byte. */
  readonly ms: number
  /** Compressed body. */
  readonly bodyBytes: number
  /** Status line and headers. */
  readonly headBytes: number
}

export const placeholder: Part = {
  name: 'placeholder',
  async run({ quick }) {
    const path = await longClip(quick ? GIB / 8 : GIB)
    const server = await startServer({ BUILD_DELAY_MS: String(A_DAY_MS) })
    try {
      const { id } = await server.upload(path)
      const url = `${server.url}/api/media/${id}/torrent`
      await askSteadily(url, WARM_UP_S)
      const answers = await askSteadily(url, quick ? 3 : MEASURED_S)
      const times = answers.map(({ ms }) => ms)
      const body = Math.max(...answers.map(({ bodyBytes }) => bodyBytes))
      const head = Math.max(...answers.map(({ headBytes }) => headBytes))
      const time = { unit: 'ms', goal: null } as const
      return {
        title: 'Placeholder torrent, 200 requests a second',
        comparisons: [],
        figures: [
          { subject: 'answer, median', value: percentile(times, 0.5), ...time },
          {
            subject: 'answer, 99th percentile',
            value: percentile(times, 0.99),
            unit: 'ms',
            goal: { bound: 'at most', value: 10 },
          },
          { subject: 'answer, slowest', value: Math.max(...times), ...time },
          {
            subject: 'on the wire, with all headers',
            value: body + head,
            unit: 'bytes',
            goal: { bound: 'at most', value: 1000 },
          },
          { subject: 'of that the body', value: body, unit: 'bytes', goal: null },
        ],
        notes: [`${answers.length} requests for a title of ${quick ? '128 MiB' : '1 GiB'}.`],
      }
    } finally {
      await server.stop()
    }
  },
}

/**
 * Sends requests at fixed moments, however many are still unanswered.
 * @throws Error when an answer is not a placeholder
 */
async function askSteadily(url: string, seconds: number): Promise<Answer[]> {
  const agent = new Agent({ keepAlive: true })
  const startedAt = performance.now()
  const answers: Promise<Answer>[] = []
  try {
    for (let index = 0; index < seconds * REQUESTS_PER_SECOND; index += 1) {
      const dueAt = startedAt + (index * 1000) / REQUESTS_PER_SECOND
      const early = dueAt - performance.now()
      if (early > 0) await new Promise((resolve) => setTimeout(resolve, early))
      answers.push(ask(url, agent))
    }
    return await Promise.all(answers)
  } finally {
    agent.destroy()
  }
}

async function ask(url: string, agent: Agent): Promise<Answer> {
  const startedAt = performance.now()
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    get(url, { agent, headers: { 'Accept-Encoding': 'gzip' } }, resolve).once('error', reject)
  })
  let bodyBytes = 0
  for await (const chunk of response) bodyBytes += (chunk as Buffer).length
  const ms = performance.now() - startedAt
  const kind = response.headers[TORRENT_KIND_HEADER.toLowerCase()]
  if (response.statusCode !== 200 || kind !== 'placeholder') {
    throw new Error(`${url} answered ${response.statusCode}, ${kind} instead of a placeholder`)
  }
  const lines = response.rawHeaders.reduce((sum, text) => sum + text.length + 2, 0)
  const headBytes = `HTTP/1.1 200 ${response.statusMessage}\r\n\r\n`.length + lines
  return { ms, bodyBytes, headBytes }
}
