// (a) Time to the first frame of a title that was never hashed. Every start has a title of its own,
// uploaded just before.
import { type Browser, chromium } from '@playwright/test'
import { CHROMIUM_FLAGS, findChromium } from '../../e2e/harness/chromium.ts'
import { startServer, type TestServer } from '../../e2e/harness/server.ts'
import { GIB, longClip, shortClip } from '../inputs.ts'
import type { Part } from '../part.ts'
import type { Comparison } from '../report.ts'
import { runRounds, spreadOf } from '../rounds.ts'
import type { PublishContender } from './contender.ts'
import { Distance } from './distance.ts'
import { oursPublishing, oursStarting } from './ours.ts'
import { plainVideo } from './plain-video.ts'
import { webtorrentStock } from './webtorrent-stock.ts'

const START_GOAL = 1.15
const PUBLISH_GOAL = 0.2
/** From one continent to the next, one way. */
const FAR_MS = 50
const STARTS = [
  { subject: 'cold: first visit', kind: 'cold' },
  { subject: 'warm: later visit, another title', kind: 'warm' },
  { subject: 'in page: from the click', kind: 'inPage' },
] as const
const START_BUDGET_MS = 90_000
const PUBLISH_BUDGET_MS = 60_000

export const firstFrame: Part = {
  name: 'first-frame',
  async run({ quick }) {
    const server = await startServer()
    const browser = await chromium.launch({ executablePath: findChromium(), args: CHROMIUM_FLAGS })
    try {
      const rounds = quick ? 3 : 9
      const here = await compareStarts({ server, browser, rounds, distance: null })
      const distance = new Distance(FAR_MS)
      const far = await compareStarts({ server, browser, rounds, distance }).finally(() =>
        distance.close(),
      )
      const publishing = await comparePublishing(server, browser, quick)
      const engine = spreadOf(here.engineTimes)
      return {
        title: 'Time to first frame of a title that was never hashed',
        comparisons: [...here.comparisons, ...far.comparisons, publishing],
        figures: [],
        notes: [
          'From the start of the navigation (or the click) to the first frame handed over to be ' +
            'shown; WebM of 60 s and 3 Mbit/s. The plain page is one <video> and nothing else; ' +
            'ours brings a whole application and, on the first visit, a service worker.',
          `"Far away" puts a line before the pages and the server on which everything is under way ` +
            `for ${FAR_MS} ms each way; else everything is on one machine.`,
          `The engine itself (stats().firstFrameMs): median ${engine?.median.toFixed(0) ?? '–'} ms ` +
            'from openPlayback to the first frame.',
          'The last comparison counts from the end of the upload and its viewers are new.',
        ],
      }
    } finally {
      await browser.close()
      await server.stop()
    }
  },
}

interface Starts {
  readonly server: TestServer
  readonly browser: Browser
  readonly rounds: number
  readonly distance: Distance | null
}

async function compareStarts({ server, browser, rounds, distance }: Starts) {
  let count = 0
  const freshTitle = () => {
    count += 1
    return server.upload(shortClip(), { title: `First frame ${count}` })
  }
  const engineTimes: number[] = []
  const earlier = await freshTitle()
  const url = (await distance?.from(server.url)) ?? server.url
  const contenders = [
    await oursStarting(browser, url, earlier, (ms) => engineTimes.push(ms)),
    await plainVideo(browser, earlier, distance),
  ]
  const [ours, plain] = contenders.map(({ name }) => name) as [string, string]
  const comparisons: Comparison[] = []
  try {
    for (const { subject, kind } of STARTS) {
      const series = await runRounds(
        contenders.map((contender) => ({
          name: contender.name,
          measure: async () => contender[kind](await freshTitle()),
        })),
        { warmUps: 1, rounds, budgetMs: START_BUDGET_MS },
      )
      const goal = { contender: ours, over: plain, bound: 'at most', value: START_GOAL } as const
      const title = distance ? `far away, ${subject}` : subject
      comparisons.push({ subject: title, unit: 'ms', baseline: plain, series, goals: [goal] })
    }
  } finally {
    await Promise.all(contenders.map((contender) => contender.close()))
  }
  return { comparisons, engineTimes }
}

async function comparePublishing(
  server: TestServer,
  browser: Browser,
  quick: boolean,
): Promise<Comparison> {
  const path = await longClip(quick ? GIB / 8 : GIB)
  const stock = await webtorrentStock(path)
  const contenders = [oursPublishing(browser, server.url), stock]
  const measure = async (contender: PublishContender) => {
    const toFirstFrame = await contender.prepare()
    const media = await server.upload(path)
    const uploadedAt = Date.now()
    return (await toFirstFrame(media)) - uploadedAt
  }
  try {
    const series = await runRounds(
      contenders.map((contender) => ({
        name: contender.name,
        measure: () => measure(contender),
      })),
      { warmUps: 1, rounds: quick ? 1 : 3, budgetMs: PUBLISH_BUDGET_MS },
    )
    return {
      subject: `after the upload of ${quick ? '128 MiB' : '1 GiB'}`,
      unit: 'ms',
      baseline: stock.name,
      series,
      goals: [{ contender: 'ours', over: stock.name, bound: 'at most', value: PUBLISH_GOAL }],
    }
  } finally {
    await Promise.all(contenders.map((contender) => contender.close()))
  }
}
