// On a page that was opened directly the <video> is in the document before the interface is: it
// plays where the player is going to be, and the player takes it over. Moving a <video> within one
// task does not pause it.
import './early-video.css'
import type { MediaRecord } from '#protocol/media.ts'

const STAGE_ID = 'early-video'

/** Puts the video where the page's player will be. */
export function showEarly(video: HTMLVideoElement, media: MediaRecord, page: 'watch' | 'embed') {
  const stage = document.createElement('div')
  stage.id = STAGE_ID
  stage.dataset['page'] = page
  const { width, height } = media
  const shape = width === null || height === null ? '16 / 9' : `${width} / ${height}`
  stage.style.setProperty('--shape', shape)
  stage.append(video)
  document.body.prepend(stage)
}

/** Moves the video to the start of `player`, wherever it is now. */
export function takeOver(video: HTMLVideoElement, player: Element): void {
  if ('moveBefore' in player && video.isConnected && player.isConnected) {
    const { moveBefore } = player as { moveBefore(node: Node, before: Node | null): void }
    moveBefore.call(player, video, player.firstChild)
  } else {
    player.prepend(video)
  }
  document.getElementById(STAGE_ID)?.remove()
}

/** @returns after the first frame (of sound: the first data) is there, or after `atMostMs` */
export function firstFrameOf(
  video: HTMLVideoElement,
  media: MediaRecord,
  atMostMs: number,
): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, atMostMs)
    const shown = (): void => {
      clearTimeout(timer)
      resolve()
    }
    video.addEventListener('error', shown, { once: true })
    const hasFrames =
      media.width !== null && 'requestVideoFrameCallback' in HTMLVideoElement.prototype
    if (hasFrames) video.requestVideoFrameCallback(shown)
    else video.addEventListener('loadeddata', shown, { once: true })
  })
}
