// The catalogue: search, cards, more cards. The search text lives in the address (`?q=`).
import './catalogue.css'
import { ActionIcon, Button, TextInput, Title } from '@mantine/core'
import { useDebouncedCallback, useDocumentTitle } from '@mantine/hooks'
import { IconMovie, IconSearch, IconSearchOff, IconShare } from '@tabler/icons-react'
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { Link, useSearchParams } from 'react-router'
import { formatCount } from '../app/format.ts'
import { Notice } from '../app/Notice.tsx'
import { preloadPage, whenIdle } from '../app/pages.ts'
import { catalogueQuery } from '../remote/media.ts'
import { messageOf } from '../remote/request.ts'
import { SharingDialog } from '../watch/SharingDialog.tsx'
import { MediaCard, MediaCardSkeleton } from './MediaCard.tsx'

const SEARCH_DELAY_MS = 300
const SKELETONS = ['a', 'b', 'c', 'd', 'e', 'f']

export function CataloguePage() {
  useDocumentTitle('Catalogue · Slipstream')
  const [parameters] = useSearchParams()
  const search = parameters.get('q') ?? ''
  const query = useInfiniteQuery({ ...catalogueQuery(search), placeholderData: keepPreviousData })
  // Whoever looks at the catalogue is going to watch something: its page is loaded meanwhile.
  useEffect(() => {
    if (!query.isSuccess) return
    return whenIdle(() => preloadPage('watch'))
  }, [query.isSuccess])
  const items = query.data?.pages.flatMap((page) => page.items) ?? []

  return (
    <>
      <div className="page-head">
        <Title order={1} size="h2">
          Catalogue
        </Title>
        <div className="media-tools">
          <SearchBox search={search} />
          <SharingButton />
        </div>
      </div>
      <p role="status" className="visually-hidden">
        {query.isPending
          ? 'Loading the catalogue'
          : query.isSuccess && !query.isPlaceholderData
            ? `${formatCount(items.length, 'title')}${query.hasNextPage ? ' so far' : ''}`
            : ''}
      </p>
      {query.isPending ? (
        <ul className="plain-list media-grid">
          {SKELETONS.map((key) => (
            <MediaCardSkeleton key={key} />
          ))}
        </ul>
      ) : query.isError && items.length === 0 ? (
        <Notice alert title="The catalogue could not be loaded" text={messageOf(query.error)}>
          <Button onClick={() => query.refetch()} loading={query.isFetching}>
            Try again
          </Button>
        </Notice>
      ) : items.length === 0 ? (
        <Nothing search={search} />
      ) : (
        <>
          <ul className="plain-list media-grid" data-stale={query.isPlaceholderData || undefined}>
            {items.map((media) => (
              <MediaCard key={media.id} media={media} />
            ))}
          </ul>
          {query.isFetchNextPageError && (
            <Notice alert title="No more titles could be loaded" text={messageOf(query.error)} />
          )}
          {query.hasNextPage && (
            <div className="media-more">
              <Button
                variant="default"
                onClick={() => query.fetchNextPage()}
                loading={query.isFetchingNextPage}
              >
                {query.isFetchNextPageError ? 'Try again' : 'Load more'}
              </Button>
            </div>
          )}
        </>
      )}
    </>
  )
}

function SearchBox({ search }: { readonly search: string }) {
  const [, setParameters] = useSearchParams()
  const [text, setText] = useState(search)
  const apply = useDebouncedCallback((value: string) => {
    const q = value.trim()
    setParameters(q === '' ? {} : { q }, { replace: true })
  }, SEARCH_DELAY_MS)
  // Back and forward change the address without typing.
  useEffect(() => {
    setText((typed) => (typed.trim() === search ? typed : search))
  }, [search])

  return (
    <search className="media-search">
      <TextInput
        type="search"
        aria-label="Search titles"
        placeholder="Search titles"
        leftSection={<IconSearch size={16} aria-hidden />}
        value={text}
        maxLength={200}
        onChange={(event) => {
          setText(event.currentTarget.value)
          apply(event.currentTarget.value)
        }}
      />
    </search>
  )
}

/** What the player has among its controls, for those who want to choose before they watch. */
function SharingButton() {
  const [isOpen, setOpen] = useState(false)
  return (
    <>
      <ActionIcon
        variant="default"
        size={36}
        aria-label="Sharing settings"
        title="Sharing settings"
        aria-haspopup="dialog"
        onClick={() => setOpen(true)}
      >
        <IconShare size={18} aria-hidden />
      </ActionIcon>
      {isOpen && <SharingDialog onClose={() => setOpen(false)} />}
    </>
  )
}

function Nothing({ search }: { readonly search: string }) {
  if (search !== '') {
    return (
      <Notice
        icon={<IconSearchOff size={44} stroke={1.3} aria-hidden />}
        title={`Nothing is called “${search}”`}
        text="Try fewer or other words."
      >
        <Button component={Link} to="/" variant="default">
          Show all titles
        </Button>
      </Notice>
    )
  }
  return (
    <Notice
      icon={<IconMovie size={48} stroke={1.3} aria-hidden />}
      title="Nothing to watch yet"
      text="Upload a video or an audio file on the admin page: it can be played the moment it has arrived. To see how that feels, add the short sample clip that comes with Slipstream."
    >
      <Button component={Link} to="/admin">
        Upload a file
      </Button>
      <Button component={Link} to="/admin?sample" variant="default">
        Add the sample clip
      </Button>
    </Notice>
  )
}
