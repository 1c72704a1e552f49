// The mark that turns while a film waits. A running animation, however few its steps, has the page
// composed 60 times a second: without a graphics processor that is a fifth of a core, just when the film
// needs it. So it turns in steps by the clock.
import { useEffect, useRef, useSyncExternalStore } from 'react'

const STEP_MS = 250
const STEP_DEGREES = 45

interface LoadingIconProps {
  readonly slot?: string
  readonly turns: boolean
}

/** The mark; it turns while `turns` says that something is waited for. */
export function LoadingIcon({ slot, turns }: LoadingIconProps) {
  const icon = useRef<SVGSVGElement>(null)
  useEffect(() => {
    if (!turns) return
    let degrees = 0
    const timer = setInterval(() => {
      degrees = (degrees + STEP_DEGREES) % 360
      if (icon.current) icon.current.style.rotate = `${degrees}deg`
    }, STEP_MS)
    return () => clearInterval(timer)
  }, [turns])
  return (
    <svg ref={icon} slot={slot} viewBox="0 0 100 100" aria-hidden>
      <path d="M73 50a23 23 0 0 0-46 0h4a19 19 0 0 1 38 0z" />
    </svg>
  )
}

const EVENTS = 'waiting playing play pause seeking canplay ended emptied error'.split(' ')

/** Whether the video would play if it had data. */
export function useIsWaiting(video: HTMLVideoElement): boolean {
  return useSyncExternalStore(
    (onChange) => {
      for (const event of EVENTS) video.addEventListener(event, onChange)
      return () => {
        for (const event of EVENTS) video.removeEventListener(event, onChange)
      }
    },
    () => {
      const isOver = video.paused || video.ended || video.error !== null
      return !isOver && video.readyState < HTMLMediaElement.HAVE_FUTURE_DATA
    },
  )
}
