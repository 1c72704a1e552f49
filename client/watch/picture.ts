// How large the picture of a title is and how long the title: from its record, or, as long as that
// does not say (a file elsewhere that nobody has looked at yet), from the `<video>` that plays it.
import { isAudio, type MediaRecord } from '#protocol/media.ts'

type Recorded = Pick<MediaRecord, 'type' | 'width' | 'height' | 'duration'>
type Seen = Pick<HTMLVideoElement, 'videoWidth' | 'videoHeight' | 'duration'>

/** @returns width and height in pixels, or `null` for sound and while they are not known */
export function pictureSize(
  media: Recorded,
  video: Seen,
): { readonly width: number; readonly height: number } | null {
  if (isAudio(media)) return null
  const { width, height } = media
  if (width !== null && height !== null) return { width, height }
  const { videoWidth, videoHeight } = video
  return videoWidth > 0 ? { width: videoWidth, height: videoHeight } : null
}

/** @returns seconds, or `null` while they are not known */
export function durationOf(media: Recorded, video: Seen): number | null {
  if (media.duration !== null) return media.duration
  return Number.isFinite(video.duration) ? video.duration : null
}

/** @returns the shape of the player as CSS has it; that of most films while it is not known */
export function shapeOf(media: Recorded, video: Seen): string {
  const size = pictureSize(media, video)
  return size === null ? '16 / 9' : `${size.width} / ${size.height}`
}
