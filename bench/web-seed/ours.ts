// Slipstream as `npm start` runs it, with the file as a title of its catalogue.
import { startServer } from '../../e2e/harness/server.ts'
import type { WebSeedContender } from './contender.ts'

/** @param path a media file */
export async function ours(path: string): Promise<WebSeedContender> {
  const server = await startServer()
  try {
    const { webSeeds, size } = await server.upload(path)
    const [url] = webSeeds
    if (url === undefined) throw new Error('the title has no web seed')
    return { name: 'ours', url, size, pids: [server.pid], close: () => server.stop() }
  } catch (error) {
    await server.stop()
    throw error
  }
}
