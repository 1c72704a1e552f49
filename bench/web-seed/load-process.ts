// The load: a process of its own that asks a server for 1 MiB ranges over kept-alive connections,
// one request at a time on each, and throws the bytes away. It speaks HTTP/1.1 on bare sockets and
// reads into one buffer, so that it costs little beside the servers. An answer that is not exactly
// the range asked for ends it with an error. Started by load.ts.
import { connect, type Socket } from 'node:net'
import type { LoadRequest, LoadResult } from './load.ts'

const HEAD_END = Buffer.from('\r\n\r\n')
const MAX_HEAD_BYTES = 16 * 1024

const job = JSON.parse(process.argv[2] ?? '') as LoadRequest
const target = new URL(job.url)
/** Shared by all connections: a read and what is done with it happen in one turn. */
const buffer = Buffer.allocUnsafeSlow(job.readBytes)
const ranges = Math.floor(job.size / job.rangeBytes)
let seed = 1
let bytes = 0
let requests = 0
let isOver = false
const sockets: Socket[] = []

/** Park and Miller's generator: the same ranges in every run, in no order a cache could guess. */
function nextStart(): number {
  seed = (seed * 48_271) % 2_147_483_647
  return (seed % ranges) * job.rangeBytes
}

function fail(message: string): void {
  if (isOver) return
  isOver = true
  process.stderr.write(`${message}\n`)
  process.exitCode = 1
  for (const socket of sockets) socket.destroy()
}

/** @throws Error when the head is not of the 206 that was asked for */
function checkHead(head: string, start: number): void {
  const range = `bytes ${start}-${start + job.rangeBytes - 1}/${job.size}`
  const hasLength = new RegExp(`^content-length: ${job.rangeBytes}\\r?$`, 'im').test(head)
  if (head.startsWith('HTTP/1.1 206 ') && head.includes(range) && hasLength) return
  throw new Error(`${job.url} answered "${range}" with:\n${head}`)
}

function open(): void {
  let start = 0
  let head = ''
  /** Bytes of the body to come, or `null` while the head is awaited. */
  let left: number | null = null

  const ask = () => {
    if (isOver) return
    start = nextStart()
    head = ''
    left = null
    socket.write(
      `GET ${target.pathname}${target.search} HTTP/1.1\r\nHost: ${target.host}\r\n` +
        `Range: bytes=${start}-${start + job.rangeBytes - 1}\r\n\r\n`,
    )
  }
  const take = (count: number): boolean => {
    let offset = 0
    if (left === null) {
      // A head in two reads is rare; its text is put together again.
      const end = buffer.subarray(0, count).indexOf(HEAD_END)
      head += buffer.toString('latin1', 0, end < 0 ? count : end)
      if (end < 0) {
        if (head.length > MAX_HEAD_BYTES) fail(`${job.url} sends a head without an end`)
        return true
      }
      checkHead(head, start)
      left = job.rangeBytes
      offset = end + HEAD_END.length
    }
    const body = count - offset
    if (body > left) throw new Error(`${job.url} sent more than the range asked for`)
    left -= body
    bytes += body
    if (left === 0) {
      requests += 1
      ask()
    }
    return true
  }
  const socket = connect({
    host: target.hostname,
    port: Number(target.port),
    noDelay: true,
    onread: {
      buffer,
      callback: (count) => {
        try {
          return take(count)
        } catch (error) {
          fail((error as Error).message)
          return false
        }
      },
    },
  })
  socket.once('connect', ask)
  socket.on('error', (error) => fail(`${job.url}: ${error.message}`))
  socket.once('close', () => fail(`${job.url}: the server closed the connection`))
  sockets.push(socket)
}

function finish(startedAt: number): void {
  if (isOver) return
  isOver = true
  const result: LoadResult = { bytes, requests, seconds: (performance.now() - startedAt) / 1000 }
  process.stdout.write(JSON.stringify(result))
  for (const socket of sockets) socket.destroy()
}

for (let index = 0; index < job.connections; index += 1) open()
setTimeout(() => {
  bytes = 0
  requests = 0
  const startedAt = performance.now()
  if ('ms' in job.until) {
    setTimeout(() => finish(startedAt), job.until.ms)
    return
  }
  const wanted = job.until.bytes
  const poll = setInterval(() => {
    if (!isOver && bytes < wanted) return
    clearInterval(poll)
    finish(startedAt)
  }, 10)
}, job.warmUpMs)
