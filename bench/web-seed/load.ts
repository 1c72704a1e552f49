// Asks a server for ranges as fast as it gives them, from a process of its own (load-process.ts).
import { spawn } from 'node:child_process'
import { join } from 'node:path'

export interface LoadRequest {
  /** `http:`; answers single ranges. */
  readonly url: string
  /** Bytes of the file there, at least one range. */
  readonly size: number
  readonly rangeBytes: number
  readonly connections: number
  /** Most bytes that the client takes from a socket at a time. */
  readonly readBytes: number
  /** Milliseconds under load before counting begins. */
  readonly warmUpMs: number
  /** Payload bytes or milliseconds that are counted. */
  readonly until: { readonly ms: number } | { readonly bytes: number }
}

/** What was counted. */
export interface LoadResult {
  /** Payload. */
  readonly bytes: number
  readonly requests: number
  readonly seconds: number
}

/** @throws Error with the answer when the server sends anything but the ranges asked for */
export async function runLoad(request: LoadRequest): Promise<LoadResult> {
  const script = join(import.meta.dirname, 'load-process.ts')
  const child = spawn(process.execPath, [script, JSON.stringify(request)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  if (code !== 0) throw new Error(`the load ended with ${code}: ${stderr.slice(0, 1000)}`)
  return JSON.parse(stdout) as LoadResult
}
