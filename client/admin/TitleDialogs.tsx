// Editing and deleting a title.
import {
  Button,
  Group,
  Modal,
  NumberInput,
  Stack,
  Switch,
  Textarea,
  TextInput,
} from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { MAX_MIN_VIEWERS, type MediaEdit, type MediaRecord } from '#protocol/media.ts'
import { deleteMedia, editMedia, refreshMedia } from '../remote/media.ts'
import { ConfirmDialog } from './ConfirmDialog.tsx'
import { Failure } from './Failure.tsx'
import { SitesField } from './SitesField.tsx'
import { Subtitles } from './Subtitles.tsx'
import { hostOf, readMirrors, readSites, sitesEntry } from './site-lists.ts'

interface DialogProps {
  readonly media: MediaRecord
  readonly onClose: () => void
}

export function EditDialog({ media, onClose }: DialogProps) {
  const queryClient = useQueryClient()
  const [title, setTitle] = useState(media.title)
  const [description, setDescription] = useState(media.description)
  const [shared, setShared] = useState(media.p2p.enabled)
  const [minViewers, setMinViewers] = useState<number | string>(media.p2p.minViewers)
  const [sites, setSites] = useState(() => sitesEntry(media.embedSites))
  const presentMirrors = (media.source?.mirrors ?? []).join('\n')
  const [mirrors, setMirrors] = useState(presentMirrors)
  const save = useMutation({
    mutationFn: (edit: MediaEdit) => editMedia(media.id, edit),
    onSuccess: async () => {
      await refreshMedia(queryClient)
      onClose()
    },
  })
  const empty = title.trim() === ''
  const countless = !isViewerCount(minViewers)
  const readEmbedSites = readSites(sites)
  const readAddresses = readMirrors(mirrors)
  const isFaulty = empty || countless || 'fault' in readEmbedSites || 'fault' in readAddresses
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (empty || !isViewerCount(minViewers) || save.isPending) return
    if ('fault' in readEmbedSites || 'fault' in readAddresses) return
    save.mutate({
      title: title.trim(),
      description: description.trim(),
      p2p: { enabled: shared, minViewers },
      embedSites: readEmbedSites.value,
      ...(mirrors === presentMirrors ? {} : { mirrors: readAddresses.value }),
    })
  }
  return (
    <Modal opened onClose={onClose} title="Edit title" closeButtonProps={{ 'aria-label': 'Close' }}>
      <form onSubmit={submit}>
        <Stack>
          <TextInput
            label="Title"
            value={title}
            maxLength={300}
            data-autofocus
            error={empty ? 'A title needs at least one letter.' : undefined}
            onChange={(event) => setTitle(event.currentTarget.value)}
          />
          <Textarea
            label="Description"
            value={description}
            maxLength={10_000}
            rows={5}
            onChange={(event) => setDescription(event.currentTarget.value)}
          />
          <Switch
            label="Viewers share this title with each other"
            description="Who watches it at the same time is connected, if they agree to that. Off: everything comes from the server."
            checked={shared}
            onChange={(event) => setShared(event.currentTarget.checked)}
          />
          <NumberInput
            label="Only from so many viewers on"
            description="Nobody is connected to anybody before that many watch; 1 means at once."
            value={minViewers}
            min={1}
            max={MAX_MIN_VIEWERS}
            allowDecimal={false}
            allowNegative={false}
            clampBehavior="none"
            disabled={!shared}
            error={countless ? `Enter a whole number from 1 to ${MAX_MIN_VIEWERS}.` : undefined}
            onChange={setMinViewers}
          />
          {media.source !== null && (
            <Textarea
              label="Mirrors"
              description="Addresses of the same file at allowed origins, one a line, the best first. They are asked when its own address fails."
              placeholder="https://mirror.example.org/film.mp4"
              autoComplete="off"
              spellCheck={false}
              rows={2}
              value={mirrors}
              error={'fault' in readAddresses ? readAddresses.fault : undefined}
              onChange={(event) => setMirrors(event.currentTarget.value)}
            />
          )}
          <SitesField
            label="Sites that may embed this title"
            allLabel="Those that may embed any title"
            entry={sites}
            fault={'fault' in readEmbedSites ? readEmbedSites.fault : undefined}
            onChange={setSites}
          />
          <Subtitles media={media} />
          <Failure error={save.error} />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={save.isPending} disabled={isFaulty}>
              Save
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}

/** The field gives text while it holds no number. */
function isViewerCount(value: number | string): value is number {
  return typeof value === 'number' && value >= 1 && value <= MAX_MIN_VIEWERS
}

export function DeleteDialog({ media, onClose }: DialogProps) {
  const queryClient = useQueryClient()
  const remove = useMutation({
    mutationFn: () => deleteMedia(media.id),
    onSuccess: async () => {
      await refreshMedia(queryClient)
      onClose()
    },
  })
  return (
    <ConfirmDialog
      title="Delete this title?"
      action="Delete"
      isPending={remove.isPending}
      error={remove.error}
      onConfirm={() => remove.mutate()}
      onClose={onClose}
    >
      {media.source === null
        ? `“${media.title}” and its file are deleted from the server.`
        : `“${media.title}” is deleted from the server. The file at ${hostOf(media.source.url)} stays.`}{' '}
      Whoever is watching it now loses it. This cannot be undone.
    </ConfirmDialog>
  )
}
