// Lists that are entered one a line: sites that may embed, and addresses of the same file elsewhere.
import * as v from 'valibot'
import { MAX_MIRRORS } from '#protocol/media.ts'
import { embedSitesSchema } from '#protocol/settings.ts'

/** Who may embed, as it is being entered. */
export interface SitesEntry {
  /** True: nobody is singled out, and the lines do not count. */
  readonly all: boolean
  /** One a line. */
  readonly lines: string
}

/** What an entry means, or what is wrong with it. */
type Read<T> = { readonly value: T } | { readonly fault: string }

export function sitesEntry(sites: readonly string[] | null): SitesEntry {
  return { all: sites === null, lines: (sites ?? []).join('\n') }
}

/** @returns `null` for all, `[]` for none */
export function readSites({ all, lines }: SitesEntry): Read<string[] | null> {
  if (all) return { value: null }
  const sites = linesOf(lines)
  const wrong = sites.find((site) => !v.is(embedSitesSchema, [site]))
  if (wrong !== undefined) {
    return {
      fault: `“${wrong}” is no site. Name each by scheme and host, such as https://www.example.org.`,
    }
  }
  const result = v.safeParse(embedSitesSchema, sites)
  return result.success ? { value: result.output } : { fault: 'These are too many sites.' }
}

/** @returns complete URLs; whether they are allowed is for the server to say */
export function readMirrors(lines: string): Read<string[]> {
  const urls = linesOf(lines)
  const wrong = urls.find((url) => !/^https?:$/.test(URL.parse(url)?.protocol ?? ''))
  if (wrong !== undefined) {
    return { fault: `“${wrong}” is no address of a file. It begins with https:// or http://.` }
  }
  if (urls.length > MAX_MIRRORS) return { fault: `A title has at most ${MAX_MIRRORS} mirrors.` }
  return { value: urls }
}

/** @returns name and port, as far as the address has them */
export function hostOf(url: string): string {
  return URL.parse(url)?.host ?? url
}

function linesOf(text: string): string[] {
  const lines = text.split('\n').map((line) => line.trim())
  return lines.filter((line) => line !== '')
}
