import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import express, { type NextFunction, type Request, type Response, Router } from 'express'
import { pino } from 'pino'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { refuseOtherMethods } from './allowed-methods.ts'
import { sendError } from './send-error.ts'

let server: Server
let origin: string

beforeEach(async () => {
  const app = express()
  const things = Router()
  const answer = (_request: Request, response: Response) => {
    response.json('answered')
  }
  things.use((_request, _response, next) => next())
  things.get('/', answer).post('/', answer)
  things.get('/:id', answer).delete('/:id', answer)
  things.get('/newest', answer)
  things.options('/:id/parts', answer).get('/:id/parts', answer)
  const root = Router()
  root.put('/things/:id/name', answer)
  app.use(root)
  app.use('/things', things)
  app.get('/health', answer)
  app.all('/else/{*path}', answer)
  app.use(refuseOtherMethods(app))
  app.get('/later', answer)
  app.use((_request, response) => {
    response.status(404).json('nothing here')
  })
  app.use((error: unknown, request: Request, response: Response, _next: NextFunction) => {
    sendError(request, response, error, pino({ level: 'silent' }))
  })
  server = createServer(app)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterEach(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

async function call(method: string, path: string) {
  const response = await fetch(origin + path, { method })
  return { status: response.status, allow: response.headers.get('Allow'), response }
}

test.each([
  ['PUT', '/things', 'GET, HEAD, POST'],
  ['PATCH', '/things/', 'GET, HEAD, POST'],
  ['DELETE', '/Things?a=b', 'GET, HEAD, POST'],
  ['POST', '/things/7', 'DELETE, GET, HEAD'],
  ['POST', '/things/a%2fb', 'DELETE, GET, HEAD'],
  ['POST', '/things/newest', 'DELETE, GET, HEAD'],
  ['GET', '/things/7/name', 'PUT'],
  ['HEAD', '/things/7/name', 'PUT'],
])('%s %s is refused with what is allowed there', async (method, path, allow) => {
  const answer = await call(method, path)
  expect(answer).toMatchObject({ status: 405, allow })
  if (method === 'HEAD') return
  expect(await answer.response.json()).toEqual({
    error: { code: 'method_not_allowed', message: expect.stringContaining(`only ${allow}.`) },
  })
})

test('what has a route is answered by it, what has none falls through', async () => {
  for (const [method, path] of [
    ['GET', '/things'],
    ['HEAD', '/things/7'],
    ['DELETE', '/things/newest'],
    ['PUT', '/things/7/name'],
    ['PUT', '/else/where'],
    ['GET', '/later'],
  ] as const) {
    expect((await call(method, path)).status, `${method} ${path}`).toBe(200)
  }
  for (const path of [
    '/',
    '/thing',
    '/things/7/8',
    '/things/7/name/x',
    '/things/__proto__/name/1',
  ]) {
    expect((await call('PATCH', path)).status, path).toBe(404)
  }
})

test('OPTIONS tells what is allowed, unless a route answers it itself', async () => {
  for (const [path, allow] of [
    ['/things/7', 'DELETE, GET, HEAD'],
    ['/health', 'GET, HEAD'],
  ] as const) {
    const answer = await call('OPTIONS', path)
    expect(answer.response.ok).toBe(true)
    expect(answer.allow).toBe(allow)
  }
  expect((await call('OPTIONS', '/things/7/parts')).status).toBe(200)
})
