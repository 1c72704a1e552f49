import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import express, { type NextFunction, type Request, type Response } from 'express'
import { pino } from 'pino'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { jsonBody } from './json-body.ts'
import { sendError } from './send-error.ts'

const PATIENCE = 200

let server: Server
let codes: string[]

beforeEach(async () => {
  codes = []
  const log = pino({ level: 'info' }, { write: (line) => codes.push(JSON.parse(line).code) })
  const app = express()
  app.use(jsonBody(PATIENCE))
  app.all('/{*path}', (request, response) => {
    response.json({ body: request.body ?? null })
  })
  app.use((error: unknown, request: Request, response: Response, _next: NextFunction) => {
    sendError(request, response, error, log)
  })
  server = createServer({ requestTimeout: 0 }, app)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
afterEach(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

/**
 * Sends the head of a request at once and then a letter of its body every 20 ms.
 * @returns all that the server answered until it closed the connection, and when that was
 */
function drip(head: string): Promise<{ answer: string; afterMs: number }> {
  const started = performance.now()
  return new Promise((resolve) => {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
    let answer = ''
    socket.setEncoding('latin1').on('data', (text) => {
      answer += text
    })
    socket.write(`${head}\r\nHost: localhost\r\n\r\n{`)
    const dripping = setInterval(() => socket.write(' '), 20)
    socket.on('error', () => {})
    socket.on('close', () => {
      clearInterval(dripping)
      resolve({ answer, afterMs: performance.now() - started })
    })
  })
}

test.each(['POST', 'GET', 'DELETE'])('a %s body that drips is cut off with 408', async (method) => {
  const head = `${method} / HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 9000`
  const { answer, afterMs } = await drip(head)
  expect(answer).toMatch(/^HTTP\/1\.1 408 /)
  expect(answer).toMatch(/^connection: close/im)
  expect(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')))).toEqual({
    error: { code: 'request_timeout', message: expect.stringContaining('did not arrive within') },
  })
  expect(answer.match(/HTTP\/1\.1/g)).toHaveLength(1)
  expect(afterMs).toBeGreaterThanOrEqual(PATIENCE - 20)
  expect(afterMs).toBeLessThan(PATIENCE + 800)
  expect(codes).toEqual(['request_timeout'])
})

test('a body that is no JSON is not waited for, and cut off too', async () => {
  const head = 'POST / HTTP/1.1\r\nContent-Type: text/plain\r\nContent-Length: 9000'
  const { answer, afterMs } = await drip(head)
  expect(answer).toMatch(/^HTTP\/1\.1 200 /)
  expect(afterMs).toBeLessThan(PATIENCE + 800)
})

test('a body in time is read, and an answer may take longer than a body may', async () => {
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const post = (body: string) =>
    fetch(origin, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body })
  expect(await (await post('{"a":1}')).json()).toEqual({ body: { a: 1 } })
  expect((await post('{"a":')).status).toBe(400)
  expect((await post(JSON.stringify('x'.repeat(20_000)))).status).toBe(413)
  expect(await (await fetch(origin)).json()).toEqual({ body: null })
})
