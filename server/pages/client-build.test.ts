import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import express from 'express'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ensureClientBuilt } from './client-build.ts'
import { createPages } from './pages.ts'

/** A bundler that makes, of the one source file, a script with the source's content in its name. */
const BUNDLER = `
  import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
  const target = process.argv[process.argv.indexOf('--outDir') + 1]
  const source = readFileSync('client/main.ts', 'utf8')
  if (source === 'broken') throw new Error('main.ts is broken')
  mkdirSync(target + '/assets', { recursive: true })
  writeFileSync(target + '/index.html', '<script src="/assets/main-' + source + '.js">')
  writeFileSync(target + '/assets/main-' + source + '.js', source.padEnd(1000, ';'))
  writeFileSync(target + '/assets/react.js', 'the same in every build')
`
const DAY_MS = 24 * 3600 * 1000

let root: string
let builds: number

beforeEach(async () => {
  builds = 0
  root = await mkdtemp(join(tmpdir(), 'client-build-'))
  await mkdir(join(root, 'node_modules/vite/bin'), { recursive: true })
  await writeFile(join(root, 'node_modules/vite/package.json'), '{"type":"module"}')
  await writeFile(join(root, 'node_modules/vite/bin/vite.js'), BUNDLER)
  await mkdir(join(root, 'client'))
})
afterEach(() => rm(root, { recursive: true }))

const assets = async () => (await readdir(join(root, 'dist/client/assets'))).sort()

/** Writes the source anew, as an update of the project does. */
async function change(source: string): Promise<void> {
  const path = join(root, 'client/main.ts')
  await writeFile(path, source)
  const later = new Date(Date.now() + builds * 1000) // file systems may count whole seconds
  await utimes(path, later, later)
}

async function start(keeping?: Parameters<typeof ensureClientBuilt>[2]): Promise<void> {
  await ensureClientBuilt(root, () => builds++, keeping)
}

/** Makes a file as old as if no build had made it for so long. */
async function age(name: string, ms: number): Promise<void> {
  const then = new Date(Date.now() - ms)
  await utimes(join(root, 'dist/client/assets', name), then, then)
}

describe('the build of the client', () => {
  test('happens when the sources are newer than it, and not else', async () => {
    await change('1')
    await start()
    await start()
    expect(builds).toBe(1)
    await change('2')
    await start()
    expect(builds).toBe(2)
    expect(await readFile(join(root, 'dist/client/index.html'), 'utf8')).toContain('main-2.js')
    expect((await readdir(join(root, 'dist'))).sort()).toEqual(['client', 'client.stamp'])
  })

  test('that fails tells why, leaves the one before, and is tried again', async () => {
    await change('1')
    await start()
    await change('broken')
    await expect(start()).rejects.toThrow('main.ts is broken')
    expect(await assets()).toEqual(['main-1.js', 'react.js'])
    await expect(start()).rejects.toThrow('could not be built')
  })

  test('clears what a killed build left, not what another one is at', async () => {
    for (const [name, ageMs] of [
      ['client-1', 2 * 3600_000],
      ['client-2', 1000],
    ] as const) {
      await mkdir(join(root, 'dist', name, 'assets'), { recursive: true })
      const then = new Date(Date.now() - ageMs)
      await utimes(join(root, 'dist', name), then, then)
    }
    await change('1')
    await start()
    expect((await readdir(join(root, 'dist'))).sort()).toEqual([
      'client',
      'client-2',
      'client.stamp',
    ])
  })

  test('leaves the files of open pages where a running server finds them', async () => {
    await change('1')
    await start()
    const pages = await createPages({
      root,
      basePath: '',
      settings: { iceServers: [], p2pDefault: 'on', maxUploadBytes: 1 },
      findRecord: () => Promise.reject(new Error('no title is asked for')),
      viewersOf: () => 0,
      baseOf: () => 'http://localhost',
      embedSitesOf: async () => null,
      hotReload: null,
    })
    const server = createServer(express().use(pages.router))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const page = await (await fetch(origin)).text()
    expect(page).toContain('/assets/main-1.js')

    await change('2') // and a second server is started from the same folder
    await start()
    const script = await fetch(`${origin}/assets/main-1.js`)
    expect(script.status).toBe(200)
    expect(await script.text()).toMatch(/^1;/)
    expect((await fetch(`${origin}/assets/main-2.js`)).status).toBe(200)
    await pages.close()
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })

  test('removes what no build has made for 30 days, and nothing that the new one has', async () => {
    await change('1')
    await start()
    await change('2')
    await start()
    await age('main-1.js', 31 * DAY_MS)
    await age('main-2.js', 29 * DAY_MS)
    await age('react.js', 31 * DAY_MS)
    await change('3')
    await start()
    expect(await assets()).toEqual(['main-2.js', 'main-3.js', 'react.js'])
    const { mtimeMs } = await stat(join(root, 'dist/client/assets/react.js'))
    expect(Date.now() - mtimeMs).toBeLessThan(DAY_MS) // its time begins when builds leave it out
  })

  test('does not grow for ever where it happens often: the oldest files go first', async () => {
    for (const source of ['1', '2', '3', '4', '5']) {
      await change(source)
      await start({ keepBytes: 2500 })
      await age(`main-${source}.js`, 60_000 - Number(source) * 1000)
    }
    expect(await assets()).toEqual(['main-3.js', 'main-4.js', 'main-5.js', 'react.js'])
    await change('6')
    await start({ keepBytes: 0 })
    expect(await assets()).toEqual(['main-6.js', 'react.js'])
  })
})
