// A server that sends a folder with `express.static` and nothing else; prints its port.
// Started by express-static.ts.
import type { AddressInfo } from 'node:net'
import express from 'express'

const [, , folder = '.'] = process.argv
const app = express()
app.use(express.static(folder))
const server = app.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`)
})
