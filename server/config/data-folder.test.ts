import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { prepareDataFolder } from './data-folder.ts'

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url))
const isLinux = process.platform === 'linux' && existsSync('/sys/kernel')

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'data-folder-'))
})
afterEach(() => rm(folder, { recursive: true }))

describe('the data folder', () => {
  test('is made with its parents, for nobody else to read, and stays empty', async () => {
    const path = join(folder, 'a/b/c')
    await prepareDataFolder(path)
    await prepareDataFolder(path)
    expect(await readdir(path)).toEqual([])
    expect((await stat(path)).mode & 0o007).toBe(0)
  })

  test('may be made by two at once, and may be a link', async () => {
    const path = join(folder, 'a/b')
    await Promise.all([prepareDataFolder(path), prepareDataFolder(path)])
    await symlink(path, join(folder, 'link'))
    await prepareDataFolder(join(folder, 'link'))
  })

  test('cannot be a file, below a file, or a link to nowhere', async () => {
    const file = join(folder, 'file')
    await writeFile(file, 'x')
    await expect(prepareDataFolder(file)).rejects.toThrow(`${file} cannot be used: it is not a`)
    await expect(prepareDataFolder(join(file, 'data'))).rejects.toThrow('is a file. Set DATA_DIR')
    await symlink(join(folder, 'nowhere'), join(folder, 'link'))
    await expect(prepareDataFolder(join(folder, 'link'))).rejects.toThrow('it is not a folder')
  })
})

describe('the start', () => {
  /** Starts the server as `npm start` does. @returns what it said when it ended */
  function start(dataDir: string): Promise<{ code: number | null; said: string }> {
    const env = { ...process.env, DATA_DIR: dataDir, PORT: '0', LOG_LEVEL: 'info' }
    const server = spawn(process.execPath, [MAIN], { env, stdio: ['ignore', 'pipe', 'pipe'] })
    let said = ''
    for (const stream of [server.stdout, server.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        said += text
      })
    }
    const patience = setTimeout(() => server.kill('SIGKILL'), 10_000)
    return new Promise((resolve, reject) => {
      server.once('error', reject)
      server.once('close', (code) => {
        clearTimeout(patience)
        resolve({ code, said })
      })
    })
  }

  test('ends with one line when the data folder is a file', async () => {
    const file = join(folder, 'file')
    await writeFile(file, 'x')
    const advice = 'Set DATA_DIR to a folder that this user may write.'
    expect(await start(file)).toEqual({
      code: 1,
      said: `The data folder ${file} cannot be used: it is not a folder. ${advice}\n`,
    })
  })

  test.skipIf(!isLinux).each([
    ['below /proc', '/proc/slipstream/data', 'no folder can be made there'],
    ['where this user may not make it', '/sys/slipstream', 'this user may not write there'],
    ['there and cannot be written', '/sys/kernel', 'this user may not write there'],
  ])('ends with one line when the data folder is %s', async (_, path, reason) => {
    const { code, said } = await start(path)
    expect(said).toMatch(new RegExp(`^The data folder ${path} cannot be used: ${reason}\\. .*\n$`))
    expect(said).toContain('Set DATA_DIR to')
    expect(code).toBe(1)
  })
})
