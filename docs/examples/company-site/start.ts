// `npm run example`: starts the three servers, says where they are, and ends them by Ctrl-C.
import { join } from 'node:path'
import { ADMIN } from '../../../e2e/harness/server.ts'
import { FILMS, startCompany } from './company.ts'

const SAMPLE = join(import.meta.dirname, '../../../public/sample/slipstream-sample.webm')

const company = await startCompany({
  films: Object.fromEntries(FILMS.map((name) => [name, SAMPLE])),
  environment: { P2P_DEFAULT: process.env['P2P_DEFAULT'] ?? 'ask' },
})
process.stdout.write(
  [
    `The company's page: ${company.website.url}`,
    `What its CDN sent:  ${company.cdn.url}/bytes`,
    `Slipstream:         ${company.slipstream.url}/admin (${ADMIN.email}, ${ADMIN.password})`,
    'Ctrl-C ends all three and removes what they kept.',
    '',
  ].join('\n'),
)

let isEnding = false
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (isEnding) return
    isEnding = true
    company.close().then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
        process.exit(1)
      },
    )
  })
}
