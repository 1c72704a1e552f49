// The build survives a real SIGKILL in its middle, and a viewer who waited gets the event without
// reloading.
import { copyFile, mkdtemp, open, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@playwright/test'
import { clip } from './harness/clips.ts'
import { startServer } from './harness/server.ts'
import { watch } from './harness/viewer.ts'

const GIB = 1024 ** 3

/** An MP4 with a `free` box behind its media (ISO 14496-12 §8.1.2): playable, and as long as wanted. */
async function lengthenMp4(source: string, target: string, size: number): Promise<void> {
  await copyFile(source, target)
  const start = (await stat(target)).size
  const header = Buffer.alloc(16)
  header.writeUInt32BE(1, 0) // the length is in the 64 bits behind the type
  header.write('free', 4, 'latin1')
  header.writeBigUInt64BE(BigInt(size - start), 8)
  const file = await open(target, 'r+')
  await file.write(header, 0, header.length, start)
  await file.truncate(size)
  await file.close()
}

test('a build of 2 GiB goes on after the server was killed, and the waiting viewer swaps', async ({
  context,
  page,
}) => {
  test.setTimeout(180_000)
  await page.close()
  const folder = await mkdtemp(join(tmpdir(), 'slipstream-durability-'))
  const server = await startServer({ BUILD_DELAY_MS: '2500' })
  try {
    const path = join(folder, 'long.mp4')
    await lengthenMp4(clip({ seconds: 16, format: 'mp4', mbps: 3 }), path, 2 * GIB)
    const media = await server.upload(path)
    const viewer = await watch(context, `${server.url}/watch/${media.id}`)
    await viewer.untilPosition(1)

    const progress = async () => {
      const record = await server.record(media.id)
      if (record.state === 'ready') throw new Error('the build was over before it could be killed')
      return record.state === 'building' ? record.progress : 0
    }
    await expect.poll(progress, { intervals: [10], timeout: 20_000 }).toBeGreaterThan(0)
    await server.kill()
    await server.restart({})
    expect(await progress()).toBeGreaterThan(0) // what was hashed is kept

    await viewer.untilPhase('swarm', 60_000)
    expect((await viewer.recorded()).sources).toHaveLength(1)
    expect((await viewer.video()).error).toBeNull()
    expect(await server.record(media.id)).toMatchObject({ state: 'ready' })
    expect(server.output()).toMatch(/"resumed":[1-9]/)
  } finally {
    await context.close()
    await server.stop()
    await rm(folder, { recursive: true })
  }
})
