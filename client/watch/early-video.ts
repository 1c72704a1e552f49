// The <video> is in the document before the interface for it is: it plays where the player is going
// to be, and the player takes it over. Moving a <video> within one task does not pause it.
import './early-video.css'
import { isAudio, type MediaRecord } from '#protocol/media.ts'
import { headPatienceMs } from '../playback/head-start.ts'
import { shapeOf } from './picture.ts'

/** As in index.html. */
const STAGE_ID = 'early-video'
/** The interface waits for the first frame, but not longer. */
const INTERFACE_WAIT_MS = 1000

/**
 * Puts the video where the page's player will be.
 * @returns when the interface may take its share of the processor: the video has its first frame
 *   (of sound: its first data), or took too long
 */
export function showEarly(
  video: HTMLVideoElement,
  media: MediaRecord,
  page: 'watch' | 'embed',
): Promise<void> {
  if (!video.isConnected) stage(video, media, page)
  return firstFrameOf(video, media, INTERFACE_WAIT_MS)
}

/**
 * The same for a video that was started ahead of its session, by index.html or by a press.
 * @returns when there may be a session, which takes some milliseconds to make
 */
export async function showStarted(media: MediaRecord): Promise<void> {
  const video = window.slipstreamStart?.video
  if (!video) return
  if (!video.isConnected) stage(video, media, 'watch')
  await firstFrameOf(video, media, headPatienceMs())
}

function stage(video: HTMLVideoElement, media: MediaRecord, page: 'watch' | 'embed'): void {
  const place = document.createElement('div')
  place.id = STAGE_ID
  place.dataset['page'] = page
  const setShape = (): void => place.style.setProperty('--shape', shapeOf(media, video))
  setShape()
  video.addEventListener('resize', setShape, { once: true })
  const show = (): void => {
    if (video.isConnected) return // the player was faster
    place.append(video)
    removeStage()
    document.body.prepend(place)
  }
  // The browser would lay the page out anew before it asks for the first byte.
  if (video.src && video.currentSrc === '')
    video.addEventListener('loadstart', show, { once: true })
  else show()
}

/** Moves the video to the start of `player`, wherever it is now. */
export function takeOver(video: HTMLVideoElement, player: Element): void {
  if ('moveBefore' in player && video.isConnected && player.isConnected) {
    const { moveBefore } = player as { moveBefore(node: Node, before: Node | null): void }
    moveBefore.call(player, video, player.firstChild)
  } else {
    player.prepend(video)
  }
  removeStage()
}

/** Takes the place away again, with the video when it is still there. */
export function removeStage(): void {
  document.getElementById(STAGE_ID)?.remove()
}

function firstFrameOf(
  video: HTMLVideoElement,
  media: MediaRecord,
  atMostMs: number,
): Promise<void> {
  return new Promise((resolve) => {
    if (video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA || video.error) return resolve()
    const timer = setTimeout(resolve, atMostMs)
    const shown = (): void => {
      clearTimeout(timer)
      resolve()
    }
    video.addEventListener('error', shown, { once: true })
    const hasFrames = !isAudio(media) && 'requestVideoFrameCallback' in HTMLVideoElement.prototype
    if (hasFrames) video.requestVideoFrameCallback(shown)
    else video.addEventListener('loadeddata', shown, { once: true })
  })
}
