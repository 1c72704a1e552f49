// Finds out what an uploaded file is from its bytes, and refuses what no browser would play. Name
// and declared type count for nothing. Bounded in time and memory: parsing happens in a child
// process that is thrown away.
import { fork } from 'node:child_process'
import { open } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import * as v from 'valibot'
import { SlipstreamError } from '../http/errors.ts'
import { readLayout } from './container-layout.ts'
import { ACCEPTED, type MediaFacts, mediaFactsSchema } from './media-facts.ts'
import type { Finding } from './probe-process.ts'

/** How long a file may keep us busy, milliseconds; usual ones take 0.1 s. */
export const PROBE_PATIENCE = 20_000
/** A process takes about 90 MB for its short life. */
const AT_ONCE = 2
const PROCESS = fileURLToPath(new URL('./probe-process.ts', import.meta.url))
const LIMITS = ['--max-old-space-size=256', '--max-semi-space-size=16']

const messageSchema = v.union([
  v.object({ ready: v.literal(true) }),
  v.object({ facts: v.omit(mediaFactsSchema, ['size', 'fastStart']) }),
  v.object({ refused: v.string() }),
  v.object({ failed: v.string() }),
])

interface ProbeOptions {
  readonly signal?: AbortSignal
  readonly patience?: number
}

/** Reading a file took too long: it or a busy machine may be to blame. */
export class ProbeTimeout extends SlipstreamError {
  constructor() {
    const message =
      'Reading the structure of the file takes far too long. The server may be busy: try again ' +
      'later. If that does not help, the file is damaged: export or copy it again.'
    super('internal', message)
  }
}

/**
 * @param path of a whole file
 * @param options.signal gives up early
 * @param options.patience milliseconds the file may keep us busy
 * @returns what is in it
 * @throws SlipstreamError `unsupported_media` saying what was found and what is accepted
 * @throws ProbeTimeout when it takes too long
 * @throws Error when the file cannot be read, or the process was ended from outside
 */
export async function probe(path: string, options: ProbeOptions = {}): Promise<MediaFacts> {
  await using file = await open(path, 'r')
  const { size } = await file.stat()
  if (size === 0) throw refusal('The file is empty.')
  const layout = await readLayout(file, size)
  if (layout.firstSight.kind === 'refused') {
    const { name, convert } = layout.firstSight
    throw refusal(
      convert
        ? `This is ${name}, which browsers cannot play. Convert it first, to MP4 for example.`
        : `This is ${name}, neither video nor audio.`,
    )
  }
  if (layout.cutShort) {
    throw refusal(
      'The file seems to be cut short: it says itself that it is longer. Export or copy it again.',
    )
  }
  if (layout.absurd) throw refusal('The file is damaged: its index has an impossible size.')
  const finding = await inTurn(() => examineApart(path, options), options.signal)
  if ('failed' in finding) throw new Error(`${path} cannot be read: ${finding.failed}`)
  if ('refused' in finding) throw refusal(`This file cannot be used. ${finding.refused}`)
  return { ...finding.facts, size, fastStart: layout.fastStart }
}

function refusal(sentence: string): SlipstreamError {
  return new SlipstreamError('unsupported_media', `${sentence} ${ACCEPTED}`)
}

/** Runs the process and outlives whatever happens to it. */
function examineApart(
  path: string,
  { signal, patience = PROBE_PATIENCE }: ProbeOptions,
): Promise<Finding> {
  // Chatter of a parser about a strange file does not belong into our log.
  const child = fork(PROCESS, [path], {
    execArgv: LIMITS,
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    detached: process.platform !== 'win32', // Ctrl-C in the server's terminal does not reach it
  })
  const { promise, resolve, reject } = Promise.withResolvers<Finding>()
  let ready = false
  const timer = setTimeout(() => reject(new ProbeTimeout()), patience)
  const onAbort = () => reject(signal?.reason)
  signal?.addEventListener('abort', onAbort, { once: true })
  child.on('message', (message: unknown) => {
    const parsed = v.parse(messageSchema, message)
    if ('ready' in parsed) ready = true
    else resolve(parsed)
  })
  child.on('error', (error) => {
    reject(new Error('the process that reads uploads does not start', { cause: error }))
  })
  child.on('exit', (code, signal) => {
    // A parser that fills its memory ends by SIGABRT; every other signal comes from outside.
    if (signal !== null && signal !== 'SIGABRT') {
      reject(new Error(`the process that reads uploads was ended by ${signal}`))
    } else if (ready) resolve({ refused: 'Its structure makes no sense, it seems to be damaged.' })
    else reject(new Error(`the process that reads uploads ended with ${code} at its start`))
  })
  return promise.finally(() => {
    clearTimeout(timer)
    signal?.removeEventListener('abort', onAbort)
    child.kill('SIGKILL')
  })
}

let running = 0
const waiting: (() => void)[] = []

/** Lets a few run at once; the others wait in the order they came. */
async function inTurn<T>(work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (running >= AT_ONCE) await new Promise<void>((resolve) => waiting.push(resolve))
  else running++
  try {
    signal?.throwIfAborted()
    return await work()
  } finally {
    const next = waiting.shift() // takes this one's place
    if (next) next()
    else running--
  }
}
