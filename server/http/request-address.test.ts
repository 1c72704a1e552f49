import { createServer, get, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { SlipstreamError } from './errors.ts'
import { clientAddress, requestOrigin } from './request-address.ts'

let server: Server
let port: number
let answer: (request: IncomingMessage) => string | null

beforeEach(async () => {
  server = createServer((request, response) => {
    try {
      response.end(String(answer(request)))
    } catch (error) {
      response.end(error instanceof SlipstreamError ? error.code : String(error))
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '::', resolve))
  port = (server.address() as AddressInfo).port
})
afterEach(() => server.close())

function ask(headers: Record<string, string>): Promise<string> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, headers, agent: false }, (response) => {
      response.setEncoding('utf8').on('data', resolve)
    }).on('error', reject)
  })
}

const FORWARDED = { 'X-Forwarded-Host': 'evil.example', 'X-Forwarded-Proto': 'https' }

describe('the address that a client sees', () => {
  test('is not what a stranger forwards', async () => {
    answer = requestOrigin({ publicUrl: null, isTrustedProxy: () => false })
    expect(await ask(FORWARDED)).toBe(`http://127.0.0.1:${port}`)
  })

  test('is what a trusted proxy forwards, the first of several, if it is a host', async () => {
    answer = requestOrigin({ publicUrl: null, isTrustedProxy: () => true })
    expect(await ask(FORWARDED)).toBe('https://evil.example')
    expect(await ask({ 'X-Forwarded-Host': 'a.example, b.example' })).toBe('http://a.example')
    expect(await ask({ 'X-Forwarded-Host': 'a.example/path' })).toBe('bad_request')
    expect(await ask({ ...FORWARDED, 'X-Forwarded-Proto': 'javascript' })).toBe(
      'http://evil.example',
    )
  })

  test('is PUBLIC_URL whatever the request says', async () => {
    answer = requestOrigin({ publicUrl: 'https://media.example', isTrustedProxy: () => true })
    expect(await ask(FORWARDED)).toBe('https://media.example')
  })
})

describe('the address of a client', () => {
  test('is the peer of the connection, IPv4 in its own form, when nobody is trusted', async () => {
    answer = clientAddress(() => false)
    expect(await ask({ 'X-Forwarded-For': '192.0.2.1' })).toBe('127.0.0.1')
  })

  test('is the last one that no trusted proxy has, and never something else than an address', async () => {
    answer = clientAddress((_address, hop) => hop === 0)
    expect(await ask({})).toBe('127.0.0.1')
    expect(await ask({ 'X-Forwarded-For': '203.0.113.9, 192.0.2.1' })).toBe('192.0.2.1')
    expect(await ask({ 'X-Forwarded-For': '2001:db8::1' })).toBe('2001:db8::1')
    expect(await ask({ 'X-Forwarded-For': 'unknown' })).toBe('127.0.0.1')
  })
})
