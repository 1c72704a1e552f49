// The forms of the company's page that are compared, made of the page that the example serves.

/** `alone`: the page as it is, but the `<video>` within the first player loads nothing. */
export type PageForm = 'player' | 'alone' | 'plain'

/** @returns the page's address, with `film` as its first film */
export function addressOf(website: string, film: string, form: PageForm): string {
  return `${website}/?${new URLSearchParams({ film, form })}`
}

/** @param url as `addressOf` made it */
export function editPage(html: string, { searchParams }: URL): string {
  const page = html.replaceAll('launch.webm', searchParams.get('film') ?? 'launch.webm')
  switch (searchParams.get('form')) {
    case 'plain':
      return withPlainVideos(page)
    case 'alone':
      return page.replace('preload="metadata"', 'preload="none"')
    default:
      return page
  }
}

/** What a page without Slipstream would be: what stands within the players, and no script. */
function withPlainVideos(html: string): string {
  return html
    .replace(/<script async type="module".*?<\/script>/, '')
    .replace(/<slipstream-player.*?>(.*?)<\/slipstream-player>/gs, '$1')
    .replace('preload="metadata"', 'autoplay muted') // the first film, as its player is told to
    .replace(/<iframe.*?<\/iframe>/s, '<video controls preload="none"></video>')
}
