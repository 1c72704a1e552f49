// What the server writes into the HTML of a title's pages for readers that run no script: the title,
// tags for those who make previews of links (Open Graph, Twitter), where oEmbed is to be found, and a
// plain <video>. Everything that comes from a publisher is escaped.
import { escapeHtml } from '#protocol/embed.ts'
import { isAudio, type MediaRecord } from '#protocol/media.ts'

/** Pixels of a player whose shape nobody knows, sound for one. */
const USUAL_SHAPE = { width: 1280, height: 720 }

/** @returns width and height of the picture in pixels */
export function shapeOf({ width, height }: Pick<MediaRecord, 'width' | 'height'>) {
  return width === null || height === null ? USUAL_SHAPE : { width, height }
}

/** @param base address of the server without a slash at its end */
function oembedUrl(base: string, media: MediaRecord): string {
  return `${base}/oembed?format=json&url=${encodeURIComponent(`${base}/watch/${media.id}`)}`
}

/**
 * @param base address of the server without a slash at its end
 * @returns elements for the head of a watch page
 */
export function watchHead(media: MediaRecord, base: string): string {
  const { id, title, poster } = media
  const { width, height } = shapeOf(media)
  const watch = `${base}/watch/${id}`
  const embed = `${base}/embed/${id}`
  const description = media.description.slice(0, 300)
  const facts: [string, string | number | null][] = [
    ['og:site_name', 'Slipstream'],
    ['og:type', isAudio(media) ? 'website' : 'video.other'],
    ['og:url', watch],
    ['og:title', title],
    ['og:description', description || null],
    ['og:image', poster],
    ['og:video', embed],
    ['og:video:secure_url', embed.startsWith('https:') ? embed : null],
    ['og:video:type', 'text/html'],
    ['og:video:width', width],
    ['og:video:height', height],
    ['twitter:card', 'player'],
    ['twitter:title', title],
    ['twitter:description', description || null],
    ['twitter:image', poster],
    ['twitter:player', embed],
    ['twitter:player:width', width],
    ['twitter:player:height', height],
  ]
  const tags = facts
    .filter(([, value]) => value !== null)
    .map(([name, value]) => {
      const attribute = name.startsWith('og:') ? 'property' : 'name'
      return `<meta ${attribute}="${name}" content="${escapeHtml(String(value))}" />`
    })
  const discovery =
    `<link rel="alternate" type="application/json+oembed" title="${escapeHtml(title)}" ` +
    `href="${escapeHtml(oembedUrl(base, media))}" />`
  return [discovery, ...tags].join('\n    ')
}

/**
 * @param page that the title is shown on; an embed page is all picture
 * @returns what is shown instead of the player where no script runs
 */
export function withoutScript(media: MediaRecord, page: 'watch' | 'embed'): string {
  const tag = isAudio(media) ? 'audio' : 'video'
  const [source = ''] = media.webSeeds
  const style =
    page === 'embed'
      ? 'position:fixed;inset:0;width:100%;height:100%'
      : 'display:block;width:min(62rem,100% - 2rem);max-height:74vh;margin:1.5rem auto;background:#000'
  const title = escapeHtml(media.title)
  const player =
    `<${tag} controls playsinline preload="metadata" title="${title}" style="${style}" ` +
    `src="${escapeHtml(source)}"></${tag}>`
  if (page === 'embed') return player
  return `${player}<h1 style="margin:1rem;text-align:center;font:1.4rem system-ui,sans-serif">${title}</h1>`
}
