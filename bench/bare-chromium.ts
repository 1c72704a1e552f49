// A Chromium with a profile on the disk that nothing but the measurement is attached to, over the
// DevTools protocol. Playwright asks a page's process to record what it fetches, up to 200 MB of it in
// that same process (`Network.enable`), which no viewer's browser does.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as v from 'valibot'
import { CHROMIUM_FLAGS, findChromium } from '../e2e/harness/chromium.ts'
import type { PageAccess } from '../e2e/harness/viewer.ts'

const START_TIMEOUT_MS = 30_000
const ELEMENT_TIMEOUT_MS = 30_000

const messageSchema = v.object({
  id: v.optional(v.number()),
  result: v.optional(v.unknown()),
  error: v.optional(v.object({ message: v.string() })),
})
const evaluatedSchema = v.object({
  result: v.object({ value: v.optional(v.unknown()) }),
  exceptionDetails: v.optional(v.object({ text: v.string() })),
})

export interface BareChromium {
  /** Opens a page. */
  open(url: string): Promise<BarePage>
  /** Process ids of those that run pages. */
  renderers(): Promise<number[]>
  /** Ends it, and removes the profile. */
  close(): Promise<void>
}

export interface BarePage extends PageAccess {
  /** Bytes of the page's JavaScript heap with its array buffers. */
  heapBytes(): Promise<number>
  close(): Promise<void>
}

/** @throws Error when Chromium does not start within half a minute */
export async function startBareChromium(): Promise<BareChromium> {
  const profile = await mkdtemp(join(tmpdir(), 'slipstream-profile-'))
  const flags = ['--headless', '--remote-debugging-port=0', `--user-data-dir=${profile}`]
  const child = spawn(findChromium(), [...flags, ...CHROMIUM_FLAGS, 'about:blank'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const exited = once(child, 'exit')
  exited.catch(() => {}) // it did not start: told below
  const end = async () => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
      child.kill()
      await exited
    }
    await rm(profile, { recursive: true, force: true, maxRetries: 5 })
  }
  try {
    let output = ''
    const address = await new Promise<string>((resolve, reject) => {
      child.once('error', reject)
      child.once('exit', (code) => reject(new Error(`Chromium ended with ${code}: ${output}`)))
      AbortSignal.timeout(START_TIMEOUT_MS).addEventListener('abort', () =>
        reject(new Error(`Chromium does not start: ${output}`)),
      )
      const read = (text: string): void => {
        output += text
        const found = /DevTools listening on (ws:\S+)/.exec(output)?.[1]
        if (found === undefined) return
        child.stderr.off('data', read).resume()
        resolve(found)
      }
      child.stderr.setEncoding('utf8').on('data', read)
    })
    const send = await connect(address)
    return {
      open: (url) => openPage(send, url),
      async renderers() {
        const answer = await send('SystemInfo.getProcessInfo')
        const { processInfo } = v.parse(
          v.object({ processInfo: v.array(v.object({ type: v.string(), id: v.number() })) }),
          answer,
        )
        return processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => id)
      },
      close: end,
    }
  } catch (error) {
    await end()
    throw error
  }
}

type Send = (method: string, params?: object, sessionId?: string) => Promise<unknown>

/** @param address of the browser's DevTools, `ws:` */
async function connect(address: string): Promise<Send> {
  const socket = new WebSocket(address)
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve)
    socket.addEventListener('close', () => reject(new Error(`${address} cannot be reached`)))
  })
  const waiting = new Map<number, PromiseWithResolvers<unknown>>()
  socket.addEventListener('message', ({ data }) => {
    const { id, result, error } = v.parse(messageSchema, JSON.parse(String(data)))
    if (id === undefined) return // an event
    if (error) waiting.get(id)?.reject(new Error(error.message))
    else waiting.get(id)?.resolve(result)
    waiting.delete(id)
  })
  socket.addEventListener('close', () => {
    for (const { reject } of waiting.values()) reject(new Error('Chromium is gone'))
  })
  let count = 0
  return (method, params = {}, sessionId) => {
    if (socket.readyState !== WebSocket.OPEN) return Promise.reject(new Error('Chromium is gone'))
    count += 1
    const answer = Promise.withResolvers<unknown>()
    waiting.set(count, answer)
    socket.send(JSON.stringify({ id: count, method, params, ...(sessionId && { sessionId }) }))
    return answer.promise
  }
}

async function openPage(send: Send, url: string): Promise<BarePage> {
  const { targetId } = v.parse(
    v.object({ targetId: v.string() }),
    await send('Target.createTarget', { url }),
  )
  const { sessionId } = v.parse(
    v.object({ sessionId: v.string() }),
    await send('Target.attachToTarget', { targetId, flatten: true }),
  )
  const evaluate = async (expression: string): Promise<unknown> => {
    const params = { expression, awaitPromise: true, returnByValue: true }
    const answer = v.parse(evaluatedSchema, await send('Runtime.evaluate', params, sessionId))
    if (answer.exceptionDetails) throw new Error(`${expression}: ${answer.exceptionDetails.text}`)
    return answer.result.value
  }
  const untilThere = async () => {
    const deadline = performance.now() + ELEMENT_TIMEOUT_MS
    while (!(await evaluate('document.querySelector("video") !== null'))) {
      if (performance.now() > deadline) throw new Error(`${url} has no <video>`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
  return {
    run: async <Result>(inPage: () => Result) => (await evaluate(`(${inPage})()`)) as Result,
    async onVideo<Result>(
      inPage: (element: HTMLVideoElement, argument: number) => Result,
      argument = 0,
    ) {
      await untilThere()
      const call = `(${inPage})(document.querySelector('video'), ${argument})`
      return (await evaluate(call)) as Result
    },
    async heapBytes() {
      const { usedSize, backingStorageSize } = v.parse(
        v.object({ usedSize: v.number(), backingStorageSize: v.number() }),
        await send('Runtime.getHeapUsage', {}, sessionId),
      )
      return usedSize + backingStorageSize
    },
    async close() {
      await send('Target.closeTarget', { targetId })
    },
  }
}
