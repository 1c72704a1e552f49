// All titles with what can be done to them. While something is being built or uploaded the list
// asks the server again every two seconds.
import { Alert, Button, Group, Progress, Skeleton, Text, TextInput, Title } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import {
  IconAlertTriangle,
  IconHammer,
  IconPencil,
  IconSearch,
  IconTrash,
} from '@tabler/icons-react'
import {
  keepPreviousData,
  useInfiniteQuery,
  useMutation,
  useQueryClient,
} from '@tanstack/react-query'
import { useState } from 'react'
import { Link } from 'react-router'
import type { MediaRecord } from '#protocol/media.ts'
import { CopyLinkButton } from '../app/CopyButton.tsx'
import { EmbedButton } from '../app/EmbedButton.tsx'
import { formatBytes, formatDate, formatDuration } from '../app/format.ts'
import { StateBadge } from '../catalogue/StateBadge.tsx'
import { buildTorrent, catalogueQuery, refreshMedia, shareUrl } from '../remote/media.ts'
import { messageOf } from '../remote/request.ts'
import { LoadFailure } from './LoadFailure.tsx'
import { hostOf } from './site-lists.ts'
import { DeleteDialog, EditDialog } from './TitleDialogs.tsx'

const POLL_MS = 2000
const SEARCH_DELAY_MS = 300

type Dialog = { readonly kind: 'edit' | 'delete'; readonly media: MediaRecord }

export function TitleList({ uploading }: { readonly uploading: boolean }) {
  const [text, setText] = useState('')
  const [search] = useDebouncedValue(text.trim(), SEARCH_DELAY_MS)
  const [dialog, setDialog] = useState<Dialog | null>(null)
  const query = useInfiniteQuery({
    ...catalogueQuery(search),
    placeholderData: keepPreviousData,
    refetchInterval: ({ state }) => {
      const items = state.data?.pages.flatMap((page) => page.items) ?? []
      return uploading || items.some((item) => item.state === 'building') ? POLL_MS : false
    },
  })
  const items = query.data?.pages.flatMap((page) => page.items) ?? []

  return (
    <section aria-labelledby="titles-heading">
      <div className="page-head admin-list-head">
        <Title order={2} size="h4" id="titles-heading">
          Titles
        </Title>
        <TextInput
          type="search"
          size="sm"
          aria-label="Search titles"
          placeholder="Search titles"
          leftSection={<IconSearch size={15} aria-hidden />}
          value={text}
          maxLength={200}
          onChange={(event) => setText(event.currentTarget.value)}
        />
      </div>
      {query.isError && <LoadFailure title="The list could not be loaded" query={query} />}
      {query.isPending ? (
        <Skeleton height={90} radius="md" role="status" aria-label="Loading the titles" />
      ) : items.length === 0 && !query.isError ? (
        <Text c="dimmed">
          {search === ''
            ? 'No titles yet: upload a file or add one by its address above, or '
            : `Nothing is called “${search}”.`}
          {search === '' && <Link to="/admin?sample">add the sample clip</Link>}
          {search === '' && '.'}
        </Text>
      ) : (
        <ul className="plain-list title-list">
          {items.map((media) => (
            <TitleRow key={media.id} media={media} onDialog={setDialog} />
          ))}
        </ul>
      )}
      {query.hasNextPage && (
        <Button
          mt="md"
          variant="default"
          onClick={() => query.fetchNextPage()}
          loading={query.isFetchingNextPage}
        >
          Load more
        </Button>
      )}
      {dialog?.kind === 'edit' && (
        <EditDialog media={dialog.media} onClose={() => setDialog(null)} />
      )}
      {dialog?.kind === 'delete' && (
        <DeleteDialog media={dialog.media} onClose={() => setDialog(null)} />
      )}
    </section>
  )
}

interface TitleRowProps {
  readonly media: MediaRecord
  readonly onDialog: (dialog: Dialog) => void
}

function TitleRow({ media, onDialog }: TitleRowProps) {
  const facts = [formatBytes(media.size), formatDate(media.createdAt)]
  if (media.duration !== null) facts.unshift(formatDuration(media.duration))
  if (!media.p2p.enabled) facts.push('not shared among viewers')
  else if (media.p2p.minViewers > 1) facts.push(`shared from ${media.p2p.minViewers} viewers on`)
  const { source } = media
  if (source !== null) {
    facts.push(`lies at ${hostOf(source.url)}`, source.kept ? 'a copy is kept' : 'no copy is kept')
  }
  return (
    <li className="card title-row">
      <div className="title-head">
        <div className="upload-name">
          <Link className="title-link" to={`/watch/${media.id}`}>
            {media.title}
          </Link>
          <Group gap="xs">
            <Text size="sm" c="dimmed" className="wrap-anywhere">
              {facts.join(' · ')}
            </Text>
            <StateBadge media={media} />
          </Group>
        </div>
        <Group gap={6}>
          {(media.state === 'stored' || media.state === 'failed') && <BuildButton media={media} />}
          {media.state === 'ready' && source !== null && <BuildButton media={media} isAgain />}
          <CopyLinkButton url={shareUrl(media.id)} of={media.title} size="xs" />
          <EmbedButton media={media} isInList size="xs" />
          <Button
            size="xs"
            variant="default"
            leftSection={<IconPencil size={15} />}
            aria-label={`Edit ${media.title}`}
            onClick={() => onDialog({ kind: 'edit', media })}
          >
            Edit
          </Button>
          <Button
            size="xs"
            variant="default"
            leftSection={<IconTrash size={15} />}
            aria-label={`Delete ${media.title}`}
            onClick={() => onDialog({ kind: 'delete', media })}
          >
            Delete
          </Button>
        </Group>
      </div>
      {source?.warning != null && (
        <Alert
          role="note"
          color="yellow"
          variant="light"
          mt="xs"
          p="xs"
          icon={<IconAlertTriangle aria-hidden />}
          className="wrap-anywhere"
        >
          {source.warning}
        </Alert>
      )}
      {media.state === 'building' && (
        <Progress
          value={media.progress * 100}
          color="yellow"
          size="sm"
          mt="xs"
          aria-label={`Building the torrent of ${media.title}`}
        />
      )}
      {media.state === 'failed' && (
        <Text size="sm" className="upload-fault" mt={4}>
          The torrent could not be built: {media.reason}
        </Text>
      )}
    </li>
  )
}

interface BuildButtonProps {
  readonly media: MediaRecord
  /** There is a torrent, which may not fit the file at its source any more. */
  readonly isAgain?: boolean
}

function BuildButton({ media, isAgain = false }: BuildButtonProps) {
  const queryClient = useQueryClient()
  const build = useMutation({
    mutationFn: () => buildTorrent(media.id),
    onSettled: () => refreshMedia(queryClient),
  })
  return (
    <>
      <Button
        size="xs"
        variant="default"
        leftSection={<IconHammer size={15} />}
        aria-label={`Build the torrent of ${media.title} ${isAgain ? 'again' : 'now'}`}
        loading={build.isPending}
        onClick={() => build.mutate()}
      >
        {isAgain ? 'Build torrent again' : 'Build torrent now'}
      </Button>
      {build.isError && (
        <Text size="sm" className="upload-fault" role="alert">
          {messageOf(build.error)}
        </Text>
      )}
    </>
  )
}
