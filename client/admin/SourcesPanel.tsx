// Media that lie on a web server or CDN of the publisher's own: which origins are allowed, and what
// is kept of their files.
import {
  Badge,
  Button,
  Group,
  Loader,
  NativeSelect,
  Skeleton,
  Stack,
  Text,
  Title,
} from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useRef, useState } from 'react'
import { KEEP, type Keep, type SourceOrigin } from '#protocol/sources.ts'
import { messageOf } from '../remote/request.ts'
import {
  allowOrigin,
  changeOrigin,
  originsQuery,
  refreshOrigins,
  removeOrigin,
} from '../remote/sources.ts'
import { AddByAddress } from './AddByAddress.tsx'
import { AddressField } from './AddressField.tsx'
import { ConfirmDialog } from './ConfirmDialog.tsx'
import { Failure } from './Failure.tsx'
import { splitFault } from './field-fault.ts'
import { LoadFailure } from './LoadFailure.tsx'

const KEEP_NAMES: Record<Keep, string> = {
  never: 'Keep no copies',
  cache: 'Keep copies while there is room',
  always: 'Keep a copy of every file',
}
const KEEP_SENTENCES: Record<Keep, string> = {
  never: 'Viewers get the bytes from there and from each other; this server holds none of them.',
  cache: 'This server holds copies within a bound; the ones least wanted lately go first.',
  always: 'This server holds a copy of every file, so that titles play while the origin is down.',
}
const KEEP_CHOICES = KEEP.map((value) => ({ value, label: KEEP_NAMES[value] }))

const keepOf = (value: string): Keep => KEEP.find((keep) => keep === value) ?? 'never'

export function SourcesPanel() {
  const origins = useQuery(originsQuery)
  const heading = useRef<HTMLHeadingElement>(null)
  const [removing, setRemoving] = useState<SourceOrigin | null>(null)
  return (
    <section aria-labelledby="sources-heading">
      <Title order={2} size="h4" mb={4} id="sources-heading" ref={heading} tabIndex={-1}>
        Media that lie elsewhere
      </Title>
      <Text size="sm" c="dimmed" mb="sm" maw={640}>
        Files on a web server or CDN of your own are played from where they lie. Only what is
        allowed here is ever asked.
      </Text>
      {origins.isPending && (
        <Skeleton height={60} radius="md" role="status" aria-label="Loading the allowed origins" />
      )}
      {origins.isError && (
        <LoadFailure title="The allowed origins could not be loaded" query={origins} />
      )}
      {origins.data?.length === 0 && (
        <Text size="sm" mb="sm" maw={640}>
          No origin is allowed yet. Allow one, such as <code>https://cdn.example.org/films/</code>,
          and every file there can become a title by its address, without an upload.
        </Text>
      )}
      {origins.data !== undefined && origins.data.length > 0 && (
        <ul className="plain-list title-list" aria-label="Allowed origins">
          {origins.data.map((origin) => (
            <OriginRow key={origin.id} origin={origin} onRemove={() => setRemoving(origin)} />
          ))}
        </ul>
      )}
      {origins.data !== undefined && <AllowForm />}
      <AddByAddress />
      {removing !== null && (
        <RemoveDialog
          origin={removing}
          onClose={() => setRemoving(null)}
          onRemoved={() => heading.current?.focus()} // its row, which had the focus, is gone
        />
      )}
    </section>
  )
}

interface OriginRowProps {
  readonly origin: SourceOrigin
  readonly onRemove: () => void
}

function OriginRow({ origin, onRemove }: OriginRowProps) {
  const queryClient = useQueryClient()
  const change = useMutation({
    mutationFn: (keep: Keep) => changeOrigin(origin.id, keep),
    scope: { id: `origin ${origin.id}` }, // one after the other, so that the last choice holds
    onSettled: () => refreshOrigins(queryClient),
  })
  const keep = change.isPending ? change.variables : origin.keep
  return (
    <li className="card title-row">
      <div className="title-head">
        <div className="upload-name">
          <Text fw={550} className="wrap-anywhere">
            {origin.url}
          </Text>
          <Text size="sm" c="dimmed">
            {KEEP_SENTENCES[keep]}
            {origin.fixed && ' Set where the server is started (SOURCE_ORIGINS).'}
          </Text>
        </div>
        {origin.fixed ? (
          <Badge variant="light" color="gray" c="var(--mantine-color-text)" tt="none" fw={550}>
            {KEEP_NAMES[keep]} · fixed
          </Badge>
        ) : (
          <Group gap={6}>
            <NativeSelect
              size="xs"
              aria-label={`What is kept of ${origin.url}`}
              data={KEEP_CHOICES}
              value={keep}
              onChange={(event) => change.mutate(keepOf(event.currentTarget.value))}
              rightSection={change.isPending ? <Loader size={14} aria-label="Saving" /> : undefined}
            />
            <Button
              size="xs"
              variant="default"
              aria-label={`Remove ${origin.url}`}
              onClick={onRemove}
            >
              Remove
            </Button>
          </Group>
        )}
      </div>
      {change.isError && (
        <Text size="sm" className="upload-fault" role="alert">
          {messageOf(change.error)}
        </Text>
      )}
    </li>
  )
}

function AllowForm() {
  const queryClient = useQueryClient()
  const field = useRef<HTMLInputElement>(null)
  const [url, setUrl] = useState('')
  const [keep, setKeep] = useState<Keep>('never')
  const allow = useMutation({
    mutationFn: allowOrigin,
    onSuccess: async () => {
      setUrl('')
      await refreshOrigins(queryClient)
    },
  })
  const fault = splitFault(allow.error)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    field.current?.focus()
    if (url.trim() !== '' && !allow.isPending) allow.mutate({ url: url.trim(), keep })
  }
  return (
    <form onSubmit={submit} noValidate className="card entry-form">
      <Stack gap="sm">
        <AddressField
          ref={field}
          label="Allow an origin"
          description="Scheme and host, with a path when only a part of it is meant."
          placeholder="https://cdn.example.org/films/"
          value={url}
          maxLength={2000}
          fault={fault.field}
          onChange={(changed) => {
            setUrl(changed)
            if (allow.isError) allow.reset()
          }}
        />
        <Group align="flex-end" gap="sm">
          <NativeSelect
            className="entry-field"
            label="What is kept here"
            description={KEEP_SENTENCES[keep]}
            data={KEEP_CHOICES}
            value={keep}
            onChange={(event) => setKeep(keepOf(event.currentTarget.value))}
          />
          <Button type="submit" loading={allow.isPending} disabled={url.trim() === ''}>
            Allow
          </Button>
        </Group>
        <Failure error={fault.other} />
        <span role="status" className="visually-hidden">
          {allow.isSuccess ? `${allow.data.url} is allowed.` : ''}
        </span>
      </Stack>
    </form>
  )
}

interface RemoveDialogProps {
  readonly origin: SourceOrigin
  readonly onClose: () => void
  readonly onRemoved: () => void
}

function RemoveDialog({ origin, onClose, onRemoved }: RemoveDialogProps) {
  const queryClient = useQueryClient()
  const remove = useMutation({
    mutationFn: () => removeOrigin(origin.id),
    onSuccess: async () => {
      await refreshOrigins(queryClient)
      onClose()
      setTimeout(onRemoved) // the dialog gives the focus back first
    },
  })
  return (
    <ConfirmDialog
      title="Remove this origin?"
      action="Remove"
      isPending={remove.isPending}
      error={remove.error}
      onConfirm={() => remove.mutate()}
      onClose={onClose}
    >
      This server asks nothing of {origin.url} any more, and no file there can become a title.
      Titles that came from there stay in the list until you delete them.
    </ConfirmDialog>
  )
}
