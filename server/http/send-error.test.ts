import { pino } from 'pino'
import { expect, test } from 'vitest'
import type { ErrorCode } from '#protocol/errors.ts'
import { SlipstreamError } from './errors.ts'
import { logError } from './send-error.ts'

test.each<[ErrorCode, string]>([
  ['internal', 'error'],
  ['storage_full', 'error'],
  ['source_unreachable', 'warn'],
  ['not_implemented', 'info'],
  ['torrent_not_ready', 'info'],
  ['not_found', 'info'],
])('%s is logged at %s', (code, level) => {
  const lines: { level: number; code: string }[] = []
  const log = pino({ level: 'trace' }, { write: (line: string) => lines.push(JSON.parse(line)) })
  logError(new SlipstreamError(code, 'It is so.'), { code }, log)
  expect(lines).toMatchObject([{ level: log.levels.values[level], code, msg: 'It is so.' }])
})
