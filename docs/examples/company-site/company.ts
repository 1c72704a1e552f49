// The three servers of the example, each on an origin of its own: the company's CDN, its web site, and
// a Slipstream server that may read the CDN's films, with a data folder that is removed at the end.
// Whoever started them closes them.
import { startServer, type TestServer } from '../../../e2e/harness/server.ts'
import { type Cdn, startCdn } from './cdn.ts'
import { startWebsite, type Website, type WebsiteOptions } from './website.ts'

/** What the page's three players name. */
export const FILMS = ['launch.webm', 'workshop.webm', 'varnish.webm'] as const

export interface CompanyOptions {
  /** Paths of files, by the names that they have on the CDN. */
  readonly films: Readonly<Record<string, string>>
  /** Settings of the Slipstream server, besides those that it needs here. */
  readonly environment?: Record<string, string>
  readonly edit?: WebsiteOptions['edit']
}

export interface Company {
  readonly cdn: Cdn
  readonly website: Website
  readonly slipstream: TestServer
  /** @returns the address of a film on the CDN */
  film(name: string): string
  close(): Promise<void>
}

export async function startCompany({ films, environment, edit }: CompanyOptions): Promise<Company> {
  const cdn = await startCdn(films)
  const slipstream = await startServer({
    SOURCE_ORIGINS: `${cdn.url}/films/`,
    ALLOW_PRIVATE_SOURCES: '1', // all of it is on this machine
    ...environment,
  })
  const website = await startWebsite({
    slipstream: slipstream.url,
    cdn: cdn.url,
    ...(edit && { edit }),
  })
  return {
    cdn,
    website,
    slipstream,
    film: (name) => `${cdn.url}/films/${name}`,
    async close() {
      await website.close()
      await slipstream.stop()
      await cdn.close()
    },
  }
}
