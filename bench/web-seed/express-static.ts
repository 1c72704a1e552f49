// What most Node applications do: `express.static`, in a process of its own.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { WebSeedContender } from './contender.ts'

/** @param path the file; its folder is served */
export async function expressStatic(path: string): Promise<WebSeedContender> {
  const script = join(import.meta.dirname, 'express-static-process.ts')
  const child = spawn(process.execPath, [script, dirname(path)], {
    env: { ...process.env, NODE_ENV: 'production' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const port = await new Promise<number>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`express ended with ${code}`)))
    child.stdout.once('data', (text: Buffer) => resolve(Number(text.toString())))
  })
  return {
    name: 'express.static',
    url: `http://127.0.0.1:${port}/${encodeURIComponent(basename(path))}`,
    size: (await stat(path)).size,
    pids: [child.pid as number],
    async close() {
      const exited = once(child, 'exit')
      child.kill('SIGTERM')
      await exited
    },
  }
}
