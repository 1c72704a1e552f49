// What somebody pastes into a page of their own to have a title play there.
import { escapeHtml, frameCode } from '#protocol/embed.ts'
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
  const [plain, preload] = isAudio(media) ? ['audio', 'none'] : ['video', 'metadata']
  const file = plainFile(media)
  const inside =
    file === null
      ? ''
      : `\n  <${plain} controls preload="${preload}" src="${escapeHtml(file)}"></${plain}>\n`
  return (
    `<script async type="module" src="${escapeHtml(script)}"></script>\n` +
    `<slipstream-player media="${escapeHtml(media.id)}">${inside}</slipstream-player>`
  )
}

/** @returns a frame with the player */
export function plainFrameCode(media: MediaRecord, { page }: EmbedAddresses): string {
  const { title, width, height } = media
  const filmHeight =
    width === null || height === null ? (WIDTH * 9) / 16 : Math.round((WIDTH * height) / width)
  const size = { width: WIDTH, height: isAudio(media) ? AUDIO_HEIGHT : filmHeight }
  return frameCode({ url: page, title, ...size })
}

/** The page outlives a revision of the file, so its address must not name one. */
function plainFile({ source, webSeeds }: MediaRecord): string | null {
  if (source !== null) return source.url
  const [webSeed] = webSeeds
  return webSeed === undefined ? null : webSeed.replace(/\?revision=\d+$/, '')
}
