// (f) Time to the first frame of a film on a company's own CDN, which this system has never seen, on the
// company's own page: docs/examples/company-site as it is. Every start has a film of its own.
import { type Browser, chromium, type Page } from '@playwright/test'
import { type Company, startCompany } from '../../docs/examples/company-site/company.ts'
import { CHROMIUM_FLAGS, findChromium } from '../../e2e/harness/chromium.ts'
import { Distance } from '../first-frame/distance.ts'
import { type FirstFrame, Viewer, visit, visitFrame } from '../first-frame/viewer.ts'
import { GIB, longClip, shortClip } from '../inputs.ts'
import type { Part } from '../part.ts'
import type { Comparison, Figure } from '../report.ts'
import { runRounds } from '../rounds.ts'
import { addressOf, editPage } from './pages.ts'

const GOAL = 1.15
const FILM_BYTES = (GIB / 1024) * 200
/** From one continent to the next, one way. */
const FAR_MS = 50
const BUDGET_MS = 150_000
const OURS = 'ours'
/** The same page, until the player itself has a frame: the film moves from there on. */
const PLAYER = 'ours, until the player has it'
/** The `<video>` within the player loads nothing. */
const ALONE = "ours, without the page's own picture"
const PLAIN = 'plain <video src>'
const CONTENDERS = [OURS, PLAYER, ALONE, PLAIN] as const
/** Of the player in the page's first place. */
const FRAME = '#launch-film iframe'
/** A visitor who comes again has the scripts that came when the player was idle. */
const SETTLED_MS = 1_000
/** How long a visit is whose bytes are counted, and its line. */
const WATCHED_MS = 5_000
const LINE_MBPS = 25
const BYTES_FILM = 'bytes.webm'

export const companyPage: Part = {
  name: 'company-page',
  async run({ quick }) {
    const film = await longClip(FILM_BYTES)
    const company = await startCompany({
      films: { 'workshop.webm': shortClip(), 'varnish.webm': shortClip() },
      edit: editPage,
    })
    const distance = new Distance(FAR_MS)
    try {
      const comparisons: Comparison[] = []
      for (const place of ['here', 'far away'] as const) {
        const browser = await launch(company, place === 'here' ? null : distance)
        try {
          comparisons.push(...(await compare({ company, browser, film, place, quick })))
        } finally {
          await browser.close()
        }
      }
      return {
        title: "Time to first frame on a company's page, of a film that was never seen",
        comparisons,
        figures: [await readForPicture(company, film)],
        notes: [
          'From the start of the navigation to the first frame handed over to be shown; WebM of ' +
            '200 MB and 3 Mbit/s on a CDN. The page is that of docs/examples/company-site, its ' +
            'first film plays by itself; web site, CDN and Slipstream are three origins. The plain ' +
            'page is the same one with a <video> in place of each player. Our first frame is a ' +
            'still picture by the <video> within the player, which loads no more than that; the ' +
            'film moves when the player has it.',
          `"Far away" puts a line between the browser and each of the three on which everything is ` +
            `under way for ${FAR_MS} ms each way; Slipstream and the CDN are near each other.`,
          `The bytes are those that the page's own <video> reads, on a line of ${LINE_MBPS} Mbit/s ` +
            'that the browser imitates.',
          'A first visit has no cache, no connection and no service worker; a later one is of ' +
            'somebody who saw another film on that page before.',
        ],
      }
    } finally {
      distance.close()
      await company.close()
    }
  },
}

/** @param distance to all three servers, which keep their addresses; `null` for none */
async function launch(company: Company, distance: Distance | null): Promise<Browser> {
  const { website, cdn, slipstream } = company
  const rules: string[] = []
  for (const { url } of distance === null ? [] : [website, cdn, slipstream]) {
    const far = new URL(await (distance as Distance).from(url))
    rules.push(`MAP ${new URL(url).host} 127.0.0.1:${far.port}`)
  }
  const args = rules.length === 0 ? [] : [`--host-resolver-rules=${rules.join(', ')}`]
  return chromium.launch({ executablePath: findChromium(), args: [...CHROMIUM_FLAGS, ...args] })
}

interface Setting {
  readonly company: Company
  readonly browser: Browser
  /** Path of a file. */
  readonly film: string
  readonly place: 'here' | 'far away'
  readonly quick: boolean
}

/** What the page's own first picture costs beside what the player fetches. */
async function readForPicture(company: Company, path: string): Promise<Figure> {
  const browser = await launch(company, null)
  try {
    const tab = await browser.newPage()
    const devTools = await tab.context().newCDPSession(tab) // of the page, not of frames of other sites
    await devTools.send('Network.enable')
    await devTools.send('Network.emulateNetworkConditions', {
      offline: false,
      latency: 0,
      downloadThroughput: (LINE_MBPS * 1e6) / 8,
      uploadThroughput: -1,
    })
    const requests = new Set<string>()
    let bytes = 0
    devTools.on('Network.requestWillBeSent', ({ requestId, request }) => {
      if (request.url === company.film(BYTES_FILM)) requests.add(requestId)
    })
    devTools.on('Network.dataReceived', ({ requestId, dataLength }) => {
      if (requests.has(requestId)) bytes += dataLength
    })
    company.cdn.offer(BYTES_FILM, path)
    await tab.goto(addressOf(company.website.url, BYTES_FILM, 'player'))
    await tab.waitForTimeout(WATCHED_MS)
    return {
      subject: "read for the page's own picture",
      value: bytes / 1e6,
      unit: 'MB',
      goal: null,
    }
  } finally {
    await browser.close()
  }
}

let films = 0

async function compare({ company, browser, film, place, quick }: Setting): Promise<Comparison[]> {
  const { cdn, website, slipstream } = company
  const freshFilm = () => {
    films += 1
    const name = `film-${films}.webm`
    cdn.offer(name, film)
    return name
  }
  /** Its build would run into the next start. */
  const forget = async (name: string) => {
    const query = new URLSearchParams({ url: company.film(name) })
    const answer = await fetch(`${slipstream.url}/api/resolve?${query}`)
    await slipstream.remove((await answer.json()).id)
  }
  const forgetAfter = async (name: string, visited: Promise<FirstFrame>): Promise<FirstFrame> => {
    const frame = await visited
    await forget(name)
    return frame
  }
  const open = {
    [OURS]: (tab: Page, name: string) =>
      forgetAfter(name, visit(tab, addressOf(website.url, name, 'player'))),
    [PLAYER]: (tab: Page, name: string) =>
      forgetAfter(name, visitFrame(tab, addressOf(website.url, name, 'player'), FRAME)),
    [ALONE]: (tab: Page, name: string) =>
      forgetAfter(name, visitFrame(tab, addressOf(website.url, name, 'alone'), FRAME)),
    [PLAIN]: (tab: Page, name: string) => visit(tab, addressOf(website.url, name, 'plain')),
  }
  const start = async (viewer: Viewer, contender: keyof typeof open) => {
    const tab = await viewer.newTab()
    const { ms } = await open[contender](tab, freshFilm())
    await tab.close()
    return ms
  }
  const regular = await Viewer.arrive(browser)
  for (const contender of CONTENDERS) {
    const tab = await regular.newTab()
    await open[contender](tab, freshFilm())
    await tab.waitForTimeout(SETTLED_MS)
    await tab.close()
  }
  const cold = async (contender: keyof typeof open) => {
    const stranger = await Viewer.arrive(browser)
    try {
      return await start(stranger, contender)
    } finally {
      await stranger.leave()
    }
  }
  const warm = (contender: keyof typeof open) => start(regular, contender)

  const comparisons: Comparison[] = []
  for (const [subject, measure] of [
    ['first visit', cold],
    ['later visit, another film', warm],
  ] as const) {
    const series = await runRounds(
      CONTENDERS.map((name) => ({ name, measure: () => measure(name) })),
      { warmUps: 1, rounds: quick ? 3 : 15, budgetMs: BUDGET_MS },
    )
    comparisons.push({
      subject: `${place}, ${subject}`,
      unit: 'ms',
      baseline: PLAIN,
      series,
      goals: [{ contender: OURS, over: PLAIN, bound: 'at most', value: GOAL }],
    })
  }
  await regular.leave()
  return comparisons
}
