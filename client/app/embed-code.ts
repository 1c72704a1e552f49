// What somebody pastes into a page of their own to have a title play there.
import { isAudio, type MediaRecord } from '#protocol/media.ts'

/** Addresses on this server, complete. */
interface EmbedAddresses {
  /** The module that defines `<slipstream-player>`. */
  readonly script: string
  /** The page with nothing but the title's player. */
  readonly page: string
}

/** CSS pixels: a player is as wide as that until the page says otherwise. */
const WIDTH = 640
const AUDIO_HEIGHT = 200

/**
 * @returns the script tag and the player's own, with a plain `<video>` in it for browsers that run
 *   no scripts
 */
export function playerCode(media: MediaRecord, { script }: EmbedAddresses): string {
  const plain = isAudio(media) ? 'audio' : 'video'
  const file = plainFile(media)
  const inside =
    file === null
      ? ''
      : `\n  <${plain} controls preload="none" src="${attribute(file)}"></${plain}>\n`
  return (
    `<script async type="module" src="${attribute(script)}"></script>\n` +
    `<slipstream-player media="${attribute(media.id)}">${inside}</slipstream-player>`
  )
}

/** @returns a frame with the player */
export function frameCode(media: MediaRecord, { page }: EmbedAddresses): string {
  const { title, width, height } = media
  const filmHeight =
    width === null || height === null ? (WIDTH * 9) / 16 : Math.round((WIDTH * height) / width)
  return (
    `<iframe src="${attribute(page)}" title="${attribute(title)}" width="${WIDTH}" ` +
    `height="${isAudio(media) ? AUDIO_HEIGHT : filmHeight}" style="border: 0" ` +
    'allow="autoplay; fullscreen; picture-in-picture" loading="lazy"></iframe>'
  )
}

/** The page outlives a revision of the file, so its address must not name one. */
function plainFile({ source, webSeeds }: MediaRecord): string | null {
  if (source !== null) return source.url
  const [webSeed] = webSeeds
  return webSeed === undefined ? null : webSeed.replace(/\?revision=\d+$/, '')
}

function attribute(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
  return text.replace(/[&<>"]/g, (letter) => entities[letter] ?? letter)
}
