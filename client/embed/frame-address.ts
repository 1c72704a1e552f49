// The address of the player's frame, made of what the element says.

export interface FrameRequest {
  /** Base address of the server, with or without a slash at its end. */
  readonly server: string
  /** Id of a title, or empty. */
  readonly media: string
  /** Absolute URL of a media file, or empty. */
  readonly src: string
  readonly autoplay: boolean
  readonly muted: boolean
  readonly loop: boolean
  readonly controls: boolean
  /** Absolute URL, or empty. */
  readonly poster: string
}

/** @returns the frame's address, or `null` when the server's is no http(s) address */
export function frameAddress(request: FrameRequest): URL | null {
  const { server, media, src, controls, poster } = request
  const base = server.endsWith('/') ? server : `${server}/`
  if (!URL.canParse(base) || !/^https?:/i.test(base)) return null
  const url = new URL(media === '' ? 'embed' : `embed/${encodeURIComponent(media)}`, base)
  const { searchParams } = url
  if (media === '') searchParams.set('url', src)
  for (const name of ['autoplay', 'muted', 'loop'] as const) {
    if (request[name]) searchParams.set(name, '1')
  }
  if (!controls) searchParams.set('controls', '0')
  if (poster !== '') searchParams.set('poster', poster)
  return url
}
