// Editing and deleting a title.
import { Alert, Button, Group, Modal, Stack, Text, Textarea, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import type { MediaEdit, MediaRecord } from '#protocol/media.ts'
import { deleteMedia, editMedia, refreshMedia } from '../remote/media.ts'
import { messageOf } from '../remote/request.ts'

interface DialogProps {
  readonly media: MediaRecord
  readonly onClose: () => void
}

export function EditDialog({ media, onClose }: DialogProps) {
  const queryClient = useQueryClient()
  const [title, setTitle] = useState(media.title)
  const [description, setDescription] = useState(media.description)
  const save = useMutation({
    mutationFn: (edit: MediaEdit) => editMedia(media.id, edit),
    onSuccess: async () => {
      await refreshMedia(queryClient)
      onClose()
    },
  })
  const empty = title.trim() === ''
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (!empty) save.mutate({ title: title.trim(), description: description.trim() })
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
          {save.isError && (
            <Alert color="red" role="alert">
              {messageOf(save.error)}
            </Alert>
          )}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={save.isPending} disabled={empty}>
              Save
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
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
    <Modal
      opened
      onClose={onClose}
      title="Delete this title?"
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <Stack>
        <Text className="wrap-anywhere">
          “{media.title}” and its file are deleted from the server. Whoever is watching it now loses
          it. This cannot be undone.
        </Text>
        {remove.isError && (
          <Alert color="red" role="alert">
            {messageOf(remove.error)}
          </Alert>
        )}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose} data-autofocus>
            Keep it
          </Button>
          <Button color="red.8" loading={remove.isPending} onClick={() => remove.mutate()}>
            Delete
          </Button>
        </Group>
      </Stack>
    </Modal>
  )
}
