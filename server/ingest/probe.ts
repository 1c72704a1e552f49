// Finds out what a file is from its bytes, and refuses what no browser would play. Name and declared
// type count for nothing. Bounded in time and memory: parsing happens in a child process that is
// thrown away; after a good file elsewhere it reads the next ones, for a start holds up the server.
// A file elsewhere is read in parts by who knows how, within a bound.
import { type ChildProcess, fork } from 'node:child_process'
import { open } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import * as v from 'valibot'
import { SlipstreamError } from '../http/errors.ts'
import { giveWay } from '../jobs/give-way.ts'
import { type Layout, type ReadAt, readLayout } from './container-layout.ts'
import { ACCEPTED, type MediaFacts, mediaFactsSchema } from './media-facts.ts'
import type { BytesAnswer, BytesRequest, Finding, RemoteFile } from './probe-process.ts'

/** How long a file may keep us busy, milliseconds; usual ones take 0.1 s. */
export const PROBE_PATIENCE = 20_000
/** A process takes about 90 MB for its short life. */
const AT_ONCE = 2
const PROCESS = fileURLToPath(new URL('./probe-process.ts', import.meta.url))
const LIMITS = ['--max-old-space-size=256', '--max-semi-space-size=16']
/** Good files that a process reads before it is thrown away. */
const MOST_FILES = 50
/** How long a process waits for the next file, milliseconds. */
const SPARE_MS = 5_000

/** Bytes of a file elsewhere that finding out what it is may cost. */
const MOST_REMOTE_BYTES = 64 * 1024 ** 2
/** Read at once: the outermost structure of a file that starts fast is within. */
const REMOTE_HEAD_BYTES = 64 * 1024
const MOST_REMOTE_BOXES = 32

const messageSchema = v.union([
  v.object({
    file: v.number(),
    request: v.pipe(v.number(), v.integer()),
    start: v.pipe(v.number(), v.integer(), v.minValue(0)),
    end: v.pipe(v.number(), v.integer(), v.minValue(1)),
  }),
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

/** A file that is not on this machine. */
export interface RemoteBytes {
  /** Bytes, at least 1. */
  readonly size: number
  /** @returns the bytes `start` to `end`, exclusive, all of them */
  read(start: number, end: number): Promise<Uint8Array>
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
  const readAt: ReadAt = async (position, length) => {
    const buffer = Buffer.alloc(length)
    const { bytesRead } = await file.read(buffer, 0, length, position)
    return buffer.subarray(0, bytesRead)
  }
  if (size === 0) throw refusal('The file is empty.')
  const layout = await readLayout(readAt, size)
  refuseAtFirstSight(layout)
  const finding = await inTurn(() => examineApart(start(path), options), options.signal)
  if ('failed' in finding) throw new Error(`${path} cannot be read: ${finding.failed}`)
  return factsOf(finding, size, layout)
}

/**
 * As `probe`, for a file elsewhere. At most 64 MiB of it are read, usually less than one.
 * @throws what `remote.read` threw
 */
export async function probeRemote(
  remote: RemoteBytes,
  options: ProbeOptions = {},
): Promise<MediaFacts> {
  const { size } = remote
  let left = Math.min(MOST_REMOTE_BYTES, 2 * size) // a small file may be read twice
  const read = async (start: number, end: number): Promise<Uint8Array> => {
    left -= end - start
    if (left < 0 || end > size) throw new Error('finding out what it is would take too many bytes')
    return remote.read(start, end)
  }
  const head = Buffer.from(await read(0, Math.min(size, REMOTE_HEAD_BYTES)))
  const readAt: ReadAt = async (position, length) => {
    const end = Math.min(position + length, size)
    if (end <= head.length) return head.subarray(position, end)
    return Buffer.from(await read(position, end))
  }
  const layout = await readLayout(readAt, size, MOST_REMOTE_BOXES)
  refuseAtFirstSight(layout)
  let failure: unknown
  const serve = async (start: number, end: number): Promise<Uint8Array> => {
    try {
      if (end <= head.length) return head.subarray(start, end)
      return await read(start, end)
    } catch (error) {
      failure = error
      throw error
    }
  }
  const finding = await inTurn(() => examineApart(take(), options, { size, serve }), options.signal)
  // A parser that was not given what it asked for has nothing to say of the file.
  if (failure !== undefined && !('facts' in finding)) throw failure
  if ('failed' in finding) throw new Error(`the file cannot be read: ${finding.failed}`)
  return factsOf(finding, size, layout)
}

function refuseAtFirstSight({ firstSight, cutShort, absurd }: Layout): void {
  if (firstSight.kind === 'refused') {
    const { name, convert } = firstSight
    throw refusal(
      convert
        ? `This is ${name}, which browsers cannot play. Convert it first, to MP4 for example.`
        : `This is ${name}, neither video nor audio.`,
    )
  }
  if (cutShort) {
    throw refusal(
      'The file seems to be cut short: it says itself that it is longer. Export or copy it again.',
    )
  }
  if (absurd) throw refusal('The file is damaged: its index has an impossible size.')
}

function factsOf(
  finding: Exclude<Finding, { failed: string }>,
  size: number,
  { fastStart }: Layout,
): MediaFacts {
  if ('refused' in finding) throw refusal(`This file cannot be used. ${finding.refused}`)
  return { ...finding.facts, size, fastStart }
}

function refusal(sentence: string): SlipstreamError {
  return new SlipstreamError('unsupported_media', `${sentence} ${ACCEPTED}`)
}

interface ProbeProcess {
  readonly child: ChildProcess
  /** That it was given, this one included. */
  files: number
  /** Ends it when no file comes. */
  expiry?: NodeJS.Timeout
}

/** Processes that have read a file elsewhere and wait for the next. */
const spares: ProbeProcess[] = []

/** @param path of the only file that it reads; left out for files elsewhere */
function start(path?: string): ProbeProcess {
  // Chatter of a parser about a strange file does not belong into our log.
  const child = fork(PROCESS, path === undefined ? [] : [path], {
    serialization: 'advanced', // bytes as they are
    execArgv: LIMITS,
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    detached: process.platform !== 'win32', // Ctrl-C in the server's terminal does not reach it
  })
  child.on('error', () => {}) // may come when nobody reads any more
  giveWay(child.pid)
  return { child, files: 0 }
}

/** Keeps a process for the next file. It does not hold up the end of the server, and ends with it. */
function keep(reader: ProbeProcess): void {
  const { child } = reader
  spares.push(reader)
  reader.expiry = setTimeout(() => {
    spares.splice(spares.indexOf(reader), 1)
    child.kill('SIGKILL')
  }, SPARE_MS).unref()
  child.unref()
  child.channel?.unref()
}

/** @returns a process for a file elsewhere: one that is waiting, or a new one */
function take(): ProbeProcess {
  for (let reader = spares.pop(); reader !== undefined; reader = spares.pop()) {
    clearTimeout(reader.expiry)
    if (!reader.child.connected) continue // ended by somebody else
    reader.child.ref()
    reader.child.channel?.ref()
    return reader
  }
  return start()
}

/**
 * Has a process read a file and outlives whatever happens to it.
 * @param elsewhere how long a file is whose bytes `serve` brings, when the process has none itself
 */
async function examineApart(
  reader: ProbeProcess,
  { signal, patience = PROBE_PATIENCE }: ProbeOptions,
  elsewhere?: { readonly size: number; readonly serve: RemoteBytes['read'] },
): Promise<Finding> {
  const { child } = reader
  const file = ++reader.files
  const { promise, resolve, reject } = Promise.withResolvers<Finding>()
  let ready = false
  const timer = setTimeout(() => reject(new ProbeTimeout()), patience)
  const onAbort = () => reject(signal?.reason)
  signal?.addEventListener('abort', onAbort, { once: true })
  const onMessage = (message: unknown) => {
    const result = v.safeParse(messageSchema, message)
    // Whatever the file made of the process, it is not to end this one.
    if (!result.success)
      return reject(refusal('Its structure makes no sense, it seems to be damaged.'))
    const parsed = result.output
    if ('ready' in parsed) ready = true
    else if (!('request' in parsed)) resolve(parsed)
    else if (parsed.file === file) void answer(child, parsed, elsewhere?.serve)
  }
  const onError = (error: Error) => {
    reject(new Error('the process that reads uploads does not start', { cause: error }))
  }
  const onExit = (code: number | null, signal: NodeJS.Signals | null) => {
    // When several processes end at once, this may be known before its last message has been read.
    if (child.connected) {
      child.once('disconnect', () => onExit(code, signal))
      return
    }
    // A parser that fills its memory ends by SIGABRT; every other signal comes from outside.
    if (signal !== null && signal !== 'SIGABRT') {
      reject(new Error(`the process that reads uploads was ended by ${signal}`))
    } else if (ready) resolve({ refused: 'Its structure makes no sense, it seems to be damaged.' })
    else reject(new Error(`the process that reads uploads ended with ${code} at its start`))
  }
  child.on('message', onMessage).on('error', onError).on('exit', onExit)
  if (elsewhere) child.send({ file, size: elsewhere.size } satisfies RemoteFile, () => {})
  let isGood = false
  try {
    const finding = await promise
    isGood = 'facts' in finding
    return finding
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', onAbort)
    child.off('message', onMessage).off('error', onError).off('exit', onExit)
    if (isGood && elsewhere && file < MOST_FILES) keep(reader)
    else child.kill('SIGKILL')
  }
}

async function answer(
  child: ChildProcess,
  { request, start, end }: BytesRequest,
  serve: RemoteBytes['read'] | undefined,
): Promise<void> {
  let reply: BytesAnswer
  try {
    if (serve === undefined) throw new Error('the file is on this machine')
    reply = { request, bytes: await serve(start, end) }
  } catch (error) {
    reply = { request, failed: String(error) }
  }
  if (child.connected) child.send(reply, () => {}) // it may be gone by now
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
