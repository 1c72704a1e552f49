// The watch page: player, what the title is, what can be taken away, and what is happening.
import './watch.css'
import { Button, Group, Menu, Skeleton, Text, Title } from '@mantine/core'
import { useDocumentTitle } from '@mantine/hooks'
import { IconDownload, IconFile, IconShare3 } from '@tabler/icons-react'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useParams } from 'react-router'
import { type MediaId, parseMediaId } from '#protocol/ids.ts'
import type { MediaRecord } from '#protocol/media.ts'
import { CopyLinkButton } from '../app/CopyButton.tsx'
import { EmbedButton } from '../app/EmbedButton.tsx'
import { formatBytes, formatDate, formatDuration } from '../app/format.ts'
import { NotFoundPage, Notice } from '../app/Notice.tsx'
import { mediaQuery, shareUrl, torrentUrl } from '../remote/media.ts'
import { ApiError, messageOf } from '../remote/request.ts'
import { describeType } from './media-type.ts'
import { PiecePicture } from './PieceBar.tsx'
import { Player } from './Player.tsx'
import { durationOf, pictureSize } from './picture.ts'
import { StatisticsPanel, StatusLine } from './StatisticsPanel.tsx'
import { usePlayback, useVideoFacts, useWatchSession } from './use-playback.ts'
import type { WatchSession } from './watch-session.ts'

/** How often the build's progress is asked for while the viewer waits for the torrent. */
const PROGRESS_INTERVAL_MS = 2000

export function WatchPage() {
  const id = parseMediaId(useParams()['id'])
  return id === null ? <NotFoundPage what="title" /> : <WatchTitle key={id} id={id} />
}

function WatchTitle({ id }: { readonly id: MediaId }) {
  const query = useQuery(mediaQuery(id, useQueryClient()))
  if (query.data !== undefined) return <Watch initial={query.data} />
  if (query.isPending) return <Loading />
  if (query.error instanceof ApiError && query.error.status === 404) {
    return <NotFoundPage what="title" />
  }
  return (
    <Notice alert title="The title could not be loaded" text={messageOf(query.error)}>
      <Button onClick={() => query.refetch()} loading={query.isFetching}>
        Try again
      </Button>
    </Notice>
  )
}

function Watch({ initial }: { readonly initial: MediaRecord }) {
  const session = useWatchSession(initial, 'watch')
  const media = useLatestRecord(initial, session)
  useDocumentTitle(`${media.title} · Slipstream`)
  useVideoFacts(session.video)
  return (
    <article className="watch">
      <Player session={session} />
      <PiecePicture session={session} />
      <StatusLine session={session} media={media} />
      <div className="watch-head">
        <div className="watch-words">
          <Title order={1} size="h2" className="watch-title">
            {media.title}
          </Title>
          <Text c="dimmed" size="sm">
            {factsOf(media, session.video).join(' · ')}
          </Text>
        </div>
        <Group gap="xs">
          <CopyLinkButton url={shareUrl(media.id)} />
          <EmbedButton media={media} />
          <DownloadMenu media={media} />
        </Group>
      </div>
      {media.description !== '' && <p className="watch-description">{media.description}</p>}
      <StatisticsPanel session={session} />
    </article>
  )
}

/**
 * Follows the record while the torrent is being built, but never before the first frame, and not
 * where nobody has asked for a torrent.
 */
function useLatestRecord(initial: MediaRecord, session: WatchSession): MediaRecord {
  const isAwaited = usePlayback(
    session,
    ({ stats, problem, httpReason }) =>
      stats.firstFrameMs !== null && problem === null && httpReason !== 'no-service-worker',
  )
  const { data } = useQuery({
    ...mediaQuery(initial.id, useQueryClient()),
    refetchInterval: ({ state }) => {
      const built = state.data?.state === 'ready' || state.data?.state === 'failed'
      return isAwaited && !built ? PROGRESS_INTERVAL_MS : false
    },
  })
  return data ?? initial
}

function DownloadMenu({ media }: { readonly media: MediaRecord }) {
  const [webSeed] = media.webSeeds
  const ready = media.state === 'ready'
  return (
    <Menu position="bottom-end" withinPortal withInitialFocusPlaceholder={false}>
      <Menu.Target>
        <Button variant="default" leftSection={<IconDownload size={16} />}>
          Download
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {webSeed !== undefined && (
          <Menu.Item
            component="a"
            href={webSeed}
            download={media.filename}
            leftSection={<IconFile size={16} />}
          >
            Media file ({formatBytes(media.size)})
          </Menu.Item>
        )}
        {ready ? (
          <Menu.Item
            component="a"
            href={torrentUrl(media.id)}
            download
            leftSection={<IconShare3 size={16} />}
          >
            Torrent file (.torrent)
          </Menu.Item>
        ) : (
          <Menu.Item disabled leftSection={<IconShare3 size={16} />}>
            Torrent file: not built yet
          </Menu.Item>
        )}
      </Menu.Dropdown>
    </Menu>
  )
}

function factsOf(media: MediaRecord, video: HTMLVideoElement): string[] {
  const facts = [describeType(media.type)]
  const size = pictureSize(media, video)
  const duration = durationOf(media, video)
  if (size !== null) facts.push(`${size.width} × ${size.height}`)
  if (duration !== null) facts.push(formatDuration(duration))
  facts.push(formatBytes(media.size), `added ${formatDate(media.createdAt)}`)
  return facts
}

function Loading() {
  return (
    <div className="watch" role="status" aria-label="Loading the title">
      <Skeleton className="watch-skeleton" radius="md" />
      <Skeleton height={28} width="55%" mt="lg" />
      <Skeleton height={16} width="35%" mt="sm" />
    </div>
  )
}
