import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { SlipstreamError } from '../http/errors.ts'
import { probe, probeRemote } from './probe.ts'

const SMALL = new URL('../../e2e/clips/small/', import.meta.url)
const clip = (name: string): string => new URL(name, SMALL).pathname

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'probe-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function fileOf(content: Uint8Array | string): Promise<string> {
  const path = join(folder, randomBytes(6).toString('hex'))
  await writeFile(path, content)
  return path
}

/** @returns the sentence with which the content is refused */
async function refusalOf(content: Uint8Array | string): Promise<string> {
  const outcome = await probe(await fileOf(content)).catch((error: unknown) => error)
  expect(outcome).toBeInstanceOf(SlipstreamError)
  expect((outcome as SlipstreamError).code).toBe('unsupported_media')
  expect((outcome as SlipstreamError).message).toContain('Slipstream takes MP4')
  return (outcome as SlipstreamError).message
}

/** @returns the path of a damaged MP4 that keeps the parser busy for ever */
async function endless(): Promise<string> {
  const damaged = await readFile(clip('h264-aac-faststart.mp4'))
  for (let hit = 0; hit < 20; hit++) damaged[hit * 131] = (hit * 37) % 256
  return fileOf(damaged)
}

/** Ids of the processes that read a file of this test. */
async function probeProcesses(): Promise<number[]> {
  const pids = (await readdir('/proc')).map(Number).filter(Number.isInteger)
  const commands = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
  )
  return pids.filter((_, place) => commands[place]?.includes(folder))
}

describe('probe', () => {
  test('a WebM tells its codecs, duration and size', async () => {
    const facts = await probe(clip('vp9-opus.webm'))
    expect(facts).toMatchObject({
      container: 'webm',
      width: 160,
      height: 90,
      hasVideo: true,
      hasAudio: true,
      fastStart: true,
    })
    expect(facts.type).toMatch(/^video\/webm; codecs="vp09[.\d]*, opus"$/)
    expect(facts.duration).toBeCloseTo(2, 0)
  })

  test('an MP4 tells whether it starts fast', async () => {
    const first = await probe(clip('h264-aac-faststart.mp4'))
    expect(first).toMatchObject({ container: 'mp4', fastStart: true, duration: 2 })
    expect(first.type).toBe('video/mp4; codecs="avc1.4d400a, mp4a.40.2"')
    const last = await probe(clip('h264-aac-moov-last.mp4'))
    expect(last).toMatchObject({ container: 'mp4', fastStart: false, duration: 2 })
  })

  test('audio has no width', async () => {
    expect(await probe(clip('opus.ogg'))).toMatchObject({
      container: 'ogg',
      type: 'audio/ogg; codecs="opus"',
      width: null,
      height: null,
      hasVideo: false,
      hasAudio: true,
    })
    const mp3 = await probe(clip('mp3.mp3'))
    expect(mp3).toMatchObject({ container: 'mp3', type: 'audio/mpeg', hasVideo: false })
    expect(mp3.duration).toBeCloseTo(2, 0)
  })

  test('a box with a 64-bit size, and one that reaches to the end, are understood', async () => {
    const mp4 = await readFile(clip('h264-aac-moov-last.mp4'))
    const at = mp4.indexOf('mdat') - 4
    const length = mp4.readUInt32BE(at)
    // ffmpeg leaves an 8-byte `free` box before `mdat` for just this
    const wide = Buffer.from(mp4)
    wide.writeUInt32BE(1, at - 8)
    wide.write('mdat', at - 4, 'latin1')
    wide.writeBigUInt64BE(BigInt(length + 8), at)
    expect(await probe(await fileOf(wide))).toMatchObject({ fastStart: false, duration: 2 })

    const fast = await readFile(clip('h264-aac-faststart.mp4'))
    fast.writeUInt32BE(0, fast.indexOf('mdat') - 4)
    expect(await probe(await fileOf(fast))).toMatchObject({ fastStart: true, duration: 2 })
  })

  test('an empty file is refused', async () => {
    expect(await refusalOf('')).toContain('empty')
  })

  test.each([
    ['text', 'Hello.\n'.repeat(200), 'a text file'],
    ['one letter', 'x', 'a text file'],
    ['text in other scripts', 'שלום 映画 ø\n'.repeat(200), 'a text file'],
    ['a web page', '<!DOCTYPE html><html><video src=x></html>', 'a web page'],
    ['a playlist', '#EXTM3U\n#EXT-X-VERSION:3\nhttp://127.0.0.1/x.ts\n', 'a playlist'],
    ['a picture', Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'), 'a PNG picture'],
    ['a HEIF picture', Buffer.from('0000001866747970686569630000000068656963', 'hex'), 'HEIF'],
    ['an archive', Buffer.from(`504b0304${'00'.repeat(100)}`, 'hex'), 'a ZIP archive'],
    ['gzip', gzipSync('x'), 'a gzip archive'],
    ['AVI', `RIFF\x10\x00\x00\x00AVI LIST${'\0'.repeat(600)}`, 'Convert it'],
    ['Theora', Buffer.from(`OggS${'\0'.repeat(24)}\x80theora\x03\x02`, 'latin1'), 'Convert it'],
    ['a transport stream', Buffer.alloc(188 * 20, 'G'), 'a.* transport stream'],
  ])('%s is refused by what it is', async (_name, content, expected) => {
    expect(await refusalOf(content)).toMatch(new RegExp(expected))
  })

  test('random bytes, zeros and lone signatures are refused', { timeout: 60_000 }, async () => {
    await refusalOf(randomBytes(1_000_000))
    await refusalOf(Buffer.alloc(1_000_000))
    await refusalOf(Buffer.alloc(1_000_000, 0xff))
    await refusalOf(Buffer.concat([Buffer.from('OggS'), randomBytes(5000)]))
    await refusalOf(Buffer.concat([Buffer.from('fLaC'), randomBytes(5000)]))
    await refusalOf(Buffer.concat([Buffer.from('RIFF....WAVE'), randomBytes(5000)]))
    await refusalOf(Buffer.concat([Buffer.from('ID3\x04\0\0\0\0\0\0'), randomBytes(5000)]))
    await refusalOf(Buffer.from('1a45dfa3', 'hex'))
    await refusalOf(Buffer.from('0000001066747970', 'hex'))
  })

  test.each([
    ['vp9-opus.webm', [30, 100, 400, 5_000, 24_000]],
    ['h264-aac-faststart.mp4', [20, 100, 3_000, 10_000, 21_000]],
    ['h264-aac-moov-last.mp4', [20, 100, 3_000, 10_000, 21_000]],
  ])('%s is refused wherever it is cut', { timeout: 60_000 }, async (name, cuts) => {
    const whole = await readFile(clip(name))
    for (const cut of cuts) {
      expect(await refusalOf(whole.subarray(0, cut)), `cut at ${cut}`).toMatch(
        /cut short|neither|no video|damaged/,
      )
    }
    expect(await refusalOf(whole.subarray(0, whole.length - 1))).toContain('cut short')
  })

  test('damaged structure is refused or read, never a crash', { timeout: 60_000 }, async () => {
    const names = ['vp9-opus.webm', 'h264-aac-faststart.mp4', 'opus.ogg', 'mp3.mp3']
    for (const name of names) {
      const whole = await readFile(clip(name))
      for (let round = 0; round < 2; round++) {
        const damaged = Buffer.from(whole)
        for (let hit = 0; hit < 20; hit++) {
          damaged[(round * 7919 + hit * 131) % Math.min(3000, damaged.length)] = (hit * 37) % 256
        }
        // One of these keeps the parser busy for ever.
        const path = await fileOf(damaged)
        const outcome = await probe(path, { patience: 1_500 }).catch((error: unknown) => error)
        if (outcome instanceof Error) expect(outcome).toBeInstanceOf(SlipstreamError)
      }
    }
  })

  test.skipIf(!existsSync('/proc/self/cmdline'))(
    'a probe process that is killed from outside is the server’s trouble, not the file’s',
    async () => {
      const outcome = probe(await endless(), { patience: 15_000 }).catch((error: unknown) => error)
      await expect.poll(probeProcesses, { timeout: 5_000 }).toHaveLength(1)
      await delay(1_000) // it is at its endless work now
      for (const pid of await probeProcesses()) process.kill(pid, 'SIGTERM')
      expect(await outcome).not.toBeInstanceOf(SlipstreamError)
      expect(String(await outcome)).toContain('ended by SIGTERM')
    },
  )

  test('good files are not refused because many processes end at the same moment', async () => {
    let goesOn = true
    const endOften = (): void => {
      if (!goesOn) return
      spawn('true', { stdio: 'ignore' }).on('exit', () => {
        for (const until = performance.now() + 15; performance.now() < until; );
        setImmediate(endOften)
      })
    }
    for (let i = 0; i < 3; i += 1) endOften()
    try {
      for (let round = 0; round < 5; round += 1) {
        const path = clip('vp9-opus.webm')
        const found = await Promise.all([probe(path), probe(path)])
        expect(found.map(({ container }) => container)).toEqual(['webm', 'webm'])
      }
    } finally {
      goesOn = false
    }
  })

  test('a file that takes too long is not called unusable, the machine may be slow', async () => {
    const outcome = probe(await endless(), { patience: 1_000 })
    await expect(outcome).rejects.toMatchObject({ code: 'internal' })
    await expect(outcome).rejects.toThrow('try again later')
  })

  test('an index of impossible size is refused without reading it', async () => {
    const path = await fileOf('')
    const file = await open(path, 'r+')
    const head = Buffer.alloc(32)
    head.writeUInt32BE(16, 0)
    head.write('ftypisom', 4, 'latin1')
    head.writeUInt32BE(1_000_000_000, 16)
    head.write('moov', 20, 'latin1')
    await file.write(head, 0, 32, 0)
    await file.truncate(1_100_000_000) // sparse
    await file.close()
    await expect(probe(path)).rejects.toThrow('impossible size')
  })

  test('a file that is not there is an error of ours, not of the content', async () => {
    const outcome = await probe(join(folder, 'nothing')).catch((error: unknown) => error)
    expect(outcome).not.toBeInstanceOf(SlipstreamError)
    expect(String(outcome)).toContain('ENOENT')
  })

  test('giving up ends the work', async () => {
    const giveUp = AbortSignal.abort(new Error('shutting down'))
    await expect(probe(clip('vp9-opus.webm'), { signal: giveUp })).rejects.toThrow('shutting down')
  })
})

describe('probing a file elsewhere', () => {
  /** Ids of this process' children that read files elsewhere. */
  async function readers(): Promise<number[]> {
    const children = (await readFile(`/proc/self/task/${process.pid}/children`, 'utf8')).split(' ')
    const commands = await Promise.all(
      children.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
    )
    return children.map(Number).filter((_, place) => commands[place]?.includes('probe-process'))
  }

  test.skipIf(!existsSync('/proc/self/task'))(
    'a process reads the next file after a good one, and is thrown away after others',
    async () => {
      const good = await readFile(clip('vp9-opus.webm'))
      await probeRemote(remote(good))
      const [first] = await readers()
      expect(first).toBeDefined()
      await probeRemote(remote(await readFile(clip('mp3.mp3'))))
      expect(await readers()).toEqual([first])
      await expect(probeRemote(remote(good.subarray(0, 3_000)))).rejects.toThrow(/damaged|cut/)
      await probeRemote(remote(Buffer.from('1a45dfa3', 'hex'))).catch(() => {})
      await expect.poll(readers).toEqual([])
      await probeRemote(remote(good))
      for (const pid of await readers()) process.kill(pid, 'SIGKILL')
      await expect.poll(readers).toEqual([])
      await delay(200) // and this process has heard of it
      expect(await probeRemote(remote(good))).toMatchObject({ container: 'webm' })
    },
  )

  /** A file of which only what was read is known. */
  function remote(bytes: Uint8Array) {
    const file = {
      size: bytes.length,
      cost: 0,
      reads: 0,
      async read(start: number, end: number) {
        file.cost += end - start
        file.reads += 1
        return bytes.subarray(start, end)
      },
    }
    return file
  }

  test.each(['vp9-opus.webm', 'h264-aac-faststart.mp4', 'opus.ogg', 'mp3.mp3'])(
    '%s is found to be what it is on disk',
    async (name) => {
      const file = remote(await readFile(clip(name)))
      expect(await probeRemote(file)).toEqual(await probe(clip(name)))
    },
  )

  test('reads only parts of a large one, wherever its index is', async () => {
    const whole = await readFile(clip('h264-aac-moov-last.mp4'))
    const at = whole.indexOf('mdat') - 4
    const extra = 200 * 1024 ** 2
    const large = Buffer.alloc(whole.length + extra)
    const end = at + whole.readUInt32BE(at)
    whole.copy(large, 0, 0, end)
    large.writeUInt32BE(whole.readUInt32BE(at) + extra, at)
    whole.copy(large, end + extra, end)
    const file = remote(large)
    expect(await probeRemote(file)).toMatchObject({ fastStart: false, duration: 2, width: 160 })
    expect(file.cost).toBeLessThan(8 * 1024 ** 2)
    expect(file.reads).toBeLessThan(20)
  })

  test('what is no media is refused after one small read', async () => {
    const file = remote(Buffer.from('<!doctype html>'.padEnd(10_000_000)))
    await expect(probeRemote(file)).rejects.toMatchObject({ code: 'unsupported_media' })
    expect([file.cost, file.reads]).toEqual([65_536, 1])
  })

  test('a source that breaks off is not the file’s fault', async () => {
    const whole = await readFile(clip('h264-aac-moov-last.mp4'))
    const padded = Buffer.concat([whole.subarray(0, 32), Buffer.alloc(100_000), whole.subarray(32)])
    padded.writeUInt32BE(100_000, 32)
    padded.write('free', 36, 'latin1')
    const file = remote(padded)
    const read = file.read
    file.read = async (start, end) => {
      if (start > 0) throw new Error('the line is dead')
      return read(start, end)
    }
    await expect(probeRemote(file)).rejects.toThrow('the line is dead')
  })

  test('a file that wants to be read whole is not read whole', async () => {
    const size = 10 * 1024 ** 3
    const head = Buffer.from(await readFile(clip('mp3.mp3')))
    const file = {
      size,
      cost: 0,
      async read(start: number, end: number) {
        file.cost += end - start
        return Buffer.alloc(end - start, head.subarray(1_000, 5_000))
      },
    }
    await probeRemote(file, { patience: 10_000 }).catch(() => {})
    expect(file.cost).toBeLessThanOrEqual(64 * 1024 ** 2)
  })
})
