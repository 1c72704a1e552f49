// One contender through one scenario: an origin, a browser with a context for each viewer, and what
// all of them saw and cost. Ends everything it started.
import { statSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { type Browser, chromium } from '@playwright/test'
import { CHROMIUM_FLAGS, findChromium } from '../../e2e/harness/chromium.ts'
import { clip, DEFAULT_SIZE } from '../../e2e/harness/clips.ts'
import { hasProc, processorSeconds } from '../processes.ts'
import type { SwarmContender } from './contender.ts'
import type { Scenario } from './scenarios.ts'
import { Viewer, type Watched } from './viewer.ts'

/**
 * New Chromium windows load some hundred scripts of their own, a second of processor time each. Viewers
 * have theirs open already: they come when all of them have used next to nothing for a while, or, where
 * the system does not say, after the longest such wait.
 */
const QUIET_MS = 500
const QUIET_CORES = 0.1
const SETTLE_MS = 30_000
/** A viewer's patience: so many lengths of the clip, and this on top. */
const PATIENCE_LENGTHS = 2.5
const PATIENCE_EXTRA_MS = 15_000

export interface Outcome {
  /** Media bytes that the origin sent ÷ bytes of one copy. */
  readonly originCopies: number
  /** In the order in which they came. */
  readonly viewers: readonly Watched[]
  /** Of the whole browser, or `null` where the system does not say. */
  readonly cpuSecondsPerViewer: number | null
  /** One line for each viewer, of the contender's own statistics. */
  readonly remarks: readonly string[]
}

/** A contender and a scenario; what `runScenario` opens for them goes on the stack. */
export interface Run {
  readonly contender: SwarmContender
  readonly scenario: Scenario
  /** Whoever made it disposes of it. */
  readonly stack: AsyncDisposableStack
}

/** @throws Error when the contender could not start; viewers who saw nothing are an outcome */
export async function runScenario({ contender, scenario, stack }: Run): Promise<Outcome> {
  const path = clip(scenario.clip)
  const { uplinkBitrates, clip: recipe } = scenario
  const bytesPerSecond = statSync(path).size / recipe.seconds
  const uplink = uplinkBitrates === null ? null : uplinkBitrates * bytesPerSecond
  const offer = await keep(stack, contender.offer({ path, uplink }))
  const browser = await keep(stack, launch())
  const viewers = await Promise.all(
    Array.from({ length: scenario.viewers }, () =>
      Viewer.arrive(browser, recipe.size ?? DEFAULT_SIZE),
    ),
  )
  const pid = hasProc ? await pidOf(browser) : null
  await settle(pid)

  const cpuBefore = pid === null ? 0 : processorSeconds(pid)
  const sentBefore = offer.sentBytes()
  const patienceMs = recipe.seconds * 1000 * PATIENCE_LENGTHS + PATIENCE_EXTRA_MS
  const watched = await Promise.all(
    viewers.map(async (viewer, index) => {
      await setTimeout(index * scenario.gapMs)
      return viewer.watch(offer.url, patienceMs)
    }),
  )
  return {
    originCopies: (offer.sentBytes() - sentBefore) / offer.size,
    viewers: watched,
    cpuSecondsPerViewer:
      pid === null ? null : (processorSeconds(pid) - cpuBefore) / scenario.viewers,
    remarks: await Promise.all(
      viewers.map(
        ({ page }) => offer.describe?.(page).catch((error: Error) => error.message) ?? '',
      ),
    ),
  }
}

/** Leaves what is opening to the stack, or closes it when the stack is disposed of meanwhile. */
async function keep<T extends { close(): Promise<void> }>(
  stack: AsyncDisposableStack,
  opening: Promise<T>,
): Promise<T> {
  const opened = await opening
  if (!stack.disposed) return stack.adopt(opened, (each) => each.close())
  await opened.close()
  throw new Error('interrupted')
}

function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: findChromium(),
    args: CHROMIUM_FLAGS,
    // A signal ends the run, which ends the browser; Playwright would end this process at once.
    handleSIGINT: false,
    handleSIGTERM: false,
    handleSIGHUP: false,
  })
}

async function settle(pid: number | null): Promise<void> {
  if (pid === null) return setTimeout(SETTLE_MS)
  const end = performance.now() + SETTLE_MS
  let used = processorSeconds(pid)
  let quiet = 0
  while (quiet < 2) {
    if (performance.now() > end) throw new Error('the windows of the browser do not come to rest')
    await setTimeout(QUIET_MS)
    const before = used
    used = processorSeconds(pid)
    // A process that has ended takes its seconds with it.
    const isQuiet = used >= before && used - before < (QUIET_CORES * QUIET_MS) / 1000
    quiet = isQuiet ? quiet + 1 : 0
  }
}

async function pidOf(browser: Browser): Promise<number> {
  const session = await browser.newBrowserCDPSession()
  const { processInfo } = await session.send('SystemInfo.getProcessInfo')
  const main = processInfo.find(({ type }) => type === 'browser')
  if (main === undefined) throw new Error('Chromium does not name its own process')
  return main.id
}
