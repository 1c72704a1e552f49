import { createServer, request as httpRequest, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { toSlipstreamError } from './errors.ts'
import { type OriginOf, requestOrigin } from './request-address.ts'
import { assertSameOrigin } from './same-origin.ts'

let server: Server
let port: number
let originOf: OriginOf

beforeEach(async () => {
  originOf = requestOrigin({ publicUrl: null, isTrustedProxy: () => false })
  server = createServer((request: IncomingMessage, response) => {
    try {
      assertSameOrigin(request, originOf)
      response.end('ok')
    } catch (error) {
      response.end(toSlipstreamError(error).code)
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  port = (server.address() as AddressInfo).port
})
afterEach(() => server.close())

async function ask(headers: Record<string, string>, method = 'POST'): Promise<string> {
  return await new Promise((resolve, reject) => {
    const request = httpRequest({ host: '127.0.0.1', port, method, headers, agent: false })
    request.on('error', reject).on('response', (response) => {
      response.setEncoding('utf8').on('data', resolve)
    })
    request.end()
  })
}

describe('same-origin check', () => {
  test('a page of this server and a program may write', async () => {
    expect(await ask({ Origin: `http://127.0.0.1:${port}` })).toBe('ok')
    expect(await ask({ 'Sec-Fetch-Site': 'same-origin' })).toBe('ok')
    expect(await ask({})).toBe('ok')
  })

  test.each(['http://evil.example', 'null', 'http://127.0.0.1', 'garbage', 'file://'])(
    'a page of %s may not write',
    async (origin) => {
      expect(await ask({ Origin: origin })).toBe('cross_origin')
      expect(await ask({ Origin: origin }, 'GET').catch(() => '')).toBe('ok')
    },
  )

  test.each(['cross-site', 'same-site'])('without Origin, %s may not write', async (site) => {
    expect(await ask({ 'Sec-Fetch-Site': site })).toBe('cross_origin')
  })

  test('https in front of a server that does not know of it is the same origin', async () => {
    expect(await ask({ Host: 'media.example', Origin: 'https://media.example' })).toBe('ok')
    expect(await ask({ Host: 'media.example:443', Origin: 'https://media.example' })).toBe('ok')
  })

  test('with PUBLIC_URL, its pages may write, and those of the address that was asked', async () => {
    originOf = requestOrigin({ publicUrl: 'https://media.example', isTrustedProxy: () => false })
    expect(await ask({ Host: 'backend:1', Origin: 'https://media.example' })).toBe('ok')
    expect(await ask({ Host: 'localhost:1', Origin: 'http://localhost:1' })).toBe('ok')
    expect(await ask({ Host: 'backend:1', Origin: 'http://media.example' })).toBe('cross_origin')
    expect(await ask({ Host: 'backend:1', Origin: 'https://evil.example' })).toBe('cross_origin')
  })

  test('a Host that is none is refused', async () => {
    expect(await ask({ Host: 'a b', Origin: 'http://a' })).toBe('bad_request')
  })
})
