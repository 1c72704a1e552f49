// What an administrator sets for the whole site, beside the operator's environment variables.
import * as v from 'valibot'

/** Browsers and Node have it; what TypeScript knows of both does not name it. */
declare const URL: {
  canParse(text: string): boolean
  new (text: string): { readonly origin: string }
}

const embedSite = v.pipe(
  v.string('must be a list of sites such as https://www.example.org'),
  v.trim(),
  v.transform(asOrigin),
  v.regex(
    /^https?:\/\/([a-z0-9._-]+|\[[0-9a-f:.]+\])(:\d{1,5})?$/,
    'must name sites by scheme and host, such as https://www.example.org',
  ),
)

/** @returns the origin as browsers spell it, other alphabets in Punycode; what is none as it came, in lower case */
function asOrigin(text: string): string {
  const isOrigin = /^https?:\/\/[^\s/\\?#@]+\/?$/i.test(text)
  return isOrigin && URL.canParse(text) ? new URL(text).origin : text.toLowerCase()
}

/** Origins (scheme, host, port) of sites that may put the player into a frame; none: no site may. */
export const embedSitesSchema = v.pipe(
  v.array(embedSite, 'must be a list of sites such as https://www.example.org'),
  v.maxLength(100, 'must have at most 100 sites'),
  v.transform((sites) => [...new Set(sites)]),
)

/** `GET` and `PUT /api/settings`, signed in. */
export const settingsSchema = v.object({
  /** Sites that may embed titles without a list of their own; `null`: every site. */
  embedSites: v.nullable(embedSitesSchema),
})
export type Settings = v.InferOutput<typeof settingsSchema>
