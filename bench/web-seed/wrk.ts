// The load of `wrk`, a load generator that nobody here wrote: one thread, 8 KiB reads, the same
// random ranges of 1 MiB over kept-alive connections as load-process.ts asks for.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as v from 'valibot'
import { runProgram } from '../programs.ts'
import type { LoadResult } from './load.ts'

export interface WrkRequest {
  /** `http:`; answers single ranges. */
  readonly url: string
  /** Bytes of the file there, at least one range. */
  readonly size: number
  readonly rangeBytes: number
  readonly connections: number
  /** Whole seconds. */
  readonly seconds: number
}

const summarySchema = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({
    bytes: v.number(),
    requests: v.number(),
    microseconds: v.number(),
    errors: v.number(),
  }),
)

function script(size: number, rangeBytes: number): string {
  return `
local range = ${rangeBytes}
request = function()
  local start = math.random(0, ${Math.floor(size / rangeBytes) - 1}) * range
  wrk.headers["Range"] = "bytes=" .. start .. "-" .. (start + range - 1)
  return wrk.format("GET")
end
done = function(summary)
  local e = summary.errors
  io.write(string.format(
    '\\n{"bytes":%d,"requests":%d,"microseconds":%d,"errors":%d}\\n',
    summary.bytes, summary.requests, summary.duration,
    e.connect + e.read + e.write + e.status + e.timeout))
end
`
}

/** @throws Error when wrk is missing (naming the Debian package), fails, or met an error */
export async function runWrk(request: WrkRequest): Promise<LoadResult> {
  await checkRanges(request)
  const folder = await mkdtemp(join(tmpdir(), 'slipstream-wrk-'))
  try {
    const path = join(folder, 'ranges.lua')
    await writeFile(path, script(request.size, request.rangeBytes))
    const { output } = await runProgram('wrk', [
      ...['-t', '1', '-c', `${request.connections}`, '-d', `${request.seconds}s`],
      ...['-s', path, request.url],
    ])
    const summary = v.parse(summarySchema, output.trimEnd().split('\n').at(-1))
    if (summary.errors > 0) throw new Error(`wrk met ${summary.errors} errors at ${request.url}`)
    const { bytes, requests, microseconds } = summary
    return { bytes, requests, seconds: microseconds / 1e6 }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** wrk counts whatever comes: that it is ranges is made sure of before. */
async function checkRanges({ url, rangeBytes }: WrkRequest): Promise<void> {
  const response = await fetch(url, { headers: { range: `bytes=0-${rangeBytes - 1}` } })
  const { byteLength } = await response.arrayBuffer()
  if (response.status === 206 && byteLength === rangeBytes) return
  throw new Error(`${url} answered a range with ${response.status} and ${byteLength} bytes`)
}
