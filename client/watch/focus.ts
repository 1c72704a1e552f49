// Keeps the keyboard in the player when a part of it goes.

/**
 * A `ref` for a part of the player that leaves the page by itself or with its own button: when the
 * focus was in it, the play button has it next. Without that it falls to the top of the page.
 */
export function handsFocusBack(part: HTMLElement | null): (() => void) | undefined {
  const player = part?.closest('.player')
  // React calls this while the part still stands in the page.
  return () => {
    if (!part?.contains(document.activeElement)) return
    player?.querySelector<HTMLElement>('media-play-button')?.focus({ preventScroll: true })
  }
}
