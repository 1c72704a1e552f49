// What an unknown URL costs: a thousand different titles are asked for within a minute, at fixed
// moments, and from the time of each answer the source's own is taken off. Once while nothing else
// happens, and once while the torrents of the same titles are asked for, so that builds run.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Agent, get, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import type { Resolved } from '#protocol/sources.ts'
import { clip } from '../../e2e/harness/clips.ts'
import { startServer, type TestServer } from '../../e2e/harness/server.ts'
import type { Part } from '../part.ts'
import type { Figure } from '../report.ts'
import { percentile } from '../rounds.ts'

const TITLES = 1_000
const SECONDS = 60
const WARM_UP_TITLES = 30
/** Long enough that builds are still running when the last title is asked for. */
const FILM = { seconds: 20, format: 'webm', mbps: 3 } as const

export const resolve: Part = {
  name: 'resolve',
  async run({ quick }) {
    const source = await startSource(clip(FILM))
    const titles = quick ? TITLES / 5 : TITLES
    const seconds = quick ? SECONDS / 5 : SECONDS
    const figures: Figure[] = []
    try {
      for (const builds of [false, true]) {
        const server = await startServer({ SOURCE_ORIGINS: source.url, ALLOW_PRIVATE_SOURCES: '1' })
        try {
          const name = builds ? 'building' : 'idle'
          await askSteadily(server, source, {
            name: `${name}-warm`,
            titles: WARM_UP_TITLES,
            seconds: 2,
            builds,
          })
          const times = await askSteadily(server, source, { name, titles, seconds, builds })
          figures.push(...figuresOf(times, builds))
        } finally {
          await server.stop()
        }
      }
    } finally {
      await source.stop()
    }
    return {
      title: `New titles elsewhere, ${titles} in ${seconds} s`,
      comparisons: [],
      figures,
      notes: [
        "Time of an answer of `/api/resolve` without the source's own (20 ms and what it was late), " +
          'each for a URL that the server has never seen.',
        `While builds run, the torrent of each title (${FILM.seconds} s of video) is asked for as well.`,
      ],
    }
  },
}

function figuresOf(times: readonly number[], builds: boolean): Figure[] {
  const when = builds ? ' while builds run' : ''
  const figure = { unit: 'ms', goal: null } as const
  return [
    { subject: `answer${when}, median`, value: percentile(times, 0.5), ...figure },
    {
      subject: `answer${when}, 99th percentile`,
      value: percentile(times, 0.99),
      unit: 'ms',
      goal: { bound: 'at most', value: 20 },
    },
    { subject: `answer${when}, slowest`, value: Math.max(...times), ...figure },
  ]
}

interface Plan {
  /** Makes the URLs of one plan differ from those of another. */
  readonly name: string
  readonly titles: number
  readonly seconds: number
  /** Whether the torrents are asked for too. */
  readonly builds: boolean
}

/**
 * Asks at fixed moments, however many are still unanswered.
 * @returns milliseconds of each answer without the source's own
 * @throws Error when an answer is not a title
 */
async function askSteadily(server: TestServer, source: Source, plan: Plan): Promise<number[]> {
  const agent = new Agent({ keepAlive: true })
  const startedAt = performance.now()
  const asked: Promise<{ readonly path: string; readonly ms: number }>[] = []
  try {
    for (let index = 0; index < plan.titles; index += 1) {
      const early = startedAt + (index * 1000 * plan.seconds) / plan.titles - performance.now()
      if (early > 0) await new Promise((wake) => setTimeout(wake, early))
      const path = `/${plan.name}/film-${index}.webm`
      asked.push(ask(server, source.url + path, agent, plan.builds).then((ms) => ({ path, ms })))
    }
    const answers = await Promise.all(asked)
    const ownTimes = await source.ownTimes()
    return answers.map(({ path, ms }) => {
      const own = ownTimes[path]
      if (own === undefined) throw new Error(`the source was never asked for ${path}`)
      return ms - own
    })
  } finally {
    agent.destroy()
  }
}

async function ask(
  server: TestServer,
  url: string,
  agent: Agent,
  builds: boolean,
): Promise<number> {
  const startedAt = performance.now()
  const response = await request(`${server.url}/api/resolve?url=${encodeURIComponent(url)}`, agent)
  const answer = await json(response)
  const ms = performance.now() - startedAt
  if (response.statusCode !== 200) throw new Error(`${url}: ${JSON.stringify(answer)}`)
  if (builds) (await request((answer as Resolved).torrent, agent)).resume()
  return ms
}

function request(url: string, agent: Agent): Promise<IncomingMessage> {
  return new Promise((answered, failed) => {
    get(url, { agent }, answered).once('error', failed)
  })
}

interface Source {
  /** `http://127.0.0.1:<port>`. */
  readonly url: string
  /** Milliseconds from each `HEAD` to its answer, by path. */
  ownTimes(): Promise<Readonly<Record<string, number>>>
  stop(): Promise<void>
}

async function startSource(path: string): Promise<Source> {
  const script = join(import.meta.dirname, 'source-process.ts')
  const child = spawn(process.execPath, [script, path], { stdio: ['ignore', 'pipe', 'inherit'] })
  const port = await new Promise<number>((started, failed) => {
    child.once('exit', (code) => failed(new Error(`the source ended with ${code}`)))
    child.stdout.once('data', (text: Buffer) => started(Number(text.toString())))
  })
  const url = `http://127.0.0.1:${port}`
  return {
    url,
    async ownTimes() {
      return (await (await fetch(`${url}/own-times`)).json()) as Record<string, number>
    },
    async stop() {
      const exited = once(child, 'exit')
      child.kill()
      await exited
    },
  }
}
