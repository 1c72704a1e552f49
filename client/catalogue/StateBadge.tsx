// State of a title's torrent, in a word; the colour only repeats it.
import { Badge } from '@mantine/core'
import type { MediaRecord } from '#protocol/media.ts'
import { formatPercent } from '../app/format.ts'

export function StateBadge({ media }: { readonly media: MediaRecord }) {
  const [text, color, title] = wordsFor(media)
  return (
    <Badge
      variant="light"
      color={color}
      c="var(--mantine-color-text)"
      tt="none"
      fw={550}
      title={title}
    >
      {text}
    </Badge>
  )
}

function wordsFor(media: MediaRecord): [text: string, color: string, title: string] {
  if (!media.p2p.enabled && (media.state === 'stored' || media.state === 'ready')) {
    return ['Server only', 'gray', 'The publisher has switched sharing among viewers off.']
  }
  switch (media.state) {
    case 'stored':
      return ['Not shared yet', 'gray', 'The torrent is built when somebody first plays it.']
    case 'building':
      return [
        `Building ${formatPercent(media.progress)}`,
        'yellow',
        'The torrent is being built; the title plays meanwhile.',
      ]
    case 'ready':
      return ['Shared', 'stream', 'The torrent is there; viewers feed each other.']
    case 'failed':
      return ['Server only', 'red', `The torrent could not be built: ${media.reason}`]
  }
}
