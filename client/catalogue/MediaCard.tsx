// One title of the catalogue as a card that is one link.
import { Group, Skeleton, Text } from '@mantine/core'
import { IconMusic, IconPlayerPlayFilled } from '@tabler/icons-react'
import type { MouseEvent } from 'react'
import { Link, useNavigate } from 'react-router'
import { isAudio, type MediaRecord } from '#protocol/media.ts'
import { formatBytes, formatDuration } from '../app/format.ts'
import { preloadPage } from '../app/pages.ts'
import { startWatching } from '../watch/watch-session.ts'
import { StateBadge } from './StateBadge.tsx'

export function MediaCard({ media }: { readonly media: MediaRecord }) {
  const audio = isAudio(media)
  const preload = () => preloadPage('watch')
  const navigate = useNavigate()
  // Playback starts with the press; its page follows when that leaves the processor to it.
  const start = async (event: MouseEvent) => {
    const elsewhere = event.metaKey || event.ctrlKey || event.shiftKey || event.altKey
    if (elsewhere) return
    event.preventDefault()
    if (await startWatching(media)) await navigate(`/watch/${media.id}`)
  }
  return (
    <li className="card media-card">
      <div className="media-still" style={{ '--hue': hueOf(media.id) } as React.CSSProperties}>
        {media.poster !== null ? (
          <img src={media.poster} alt="" loading="lazy" />
        ) : audio ? (
          <IconMusic size={40} stroke={1.4} aria-hidden />
        ) : (
          <IconPlayerPlayFilled size={36} aria-hidden />
        )}
        {media.duration !== null && (
          <span className="media-duration">
            <span className="visually-hidden">Duration </span>
            {formatDuration(media.duration)}
          </span>
        )}
      </div>
      <div className="media-text">
        <h2 className="media-title">
          <Link
            to={`/watch/${media.id}`}
            onPointerEnter={preload}
            onFocus={preload}
            onClick={start}
          >
            {media.title}
          </Link>
        </h2>
        <Group gap="xs" justify="space-between" wrap="nowrap">
          <Text size="sm" c="dimmed" component="span" className="media-size">
            {formatBytes(media.size)}
            {audio && ' · audio'}
          </Text>
          <StateBadge media={media} />
        </Group>
      </div>
    </li>
  )
}

export function MediaCardSkeleton() {
  return (
    <li className="card media-card" aria-hidden>
      <Skeleton className="media-still" radius={0} />
      <div className="media-text">
        <Skeleton height={18} width="70%" mb="sm" />
        <Skeleton height={14} width="40%" />
      </div>
    </li>
  )
}

/** @returns a hue in degrees, always the same for a title, so that cards can be told apart. */
function hueOf(id: string): number {
  let sum = 0
  for (const letter of id) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) % 3600
  return 165 + (sum % 75) // from sea green to blue
}
