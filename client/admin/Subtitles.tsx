// A title's subtitles in its dialog: each change takes effect at once.
import { Button, FileInput, Group, Stack, Text, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import type { MediaRecord } from '#protocol/media.ts'
import { MAX_TRACK_BYTES } from '#protocol/tracks.ts'
import { addTrack, refreshMedia, removeTrack } from '../remote/media.ts'
import { Failure } from './Failure.tsx'

export function Subtitles({ media }: { readonly media: MediaRecord }) {
  const queryClient = useQueryClient()
  const [tracks, setTracks] = useState(media.tracks)
  const [file, setFile] = useState<File | null>(null)
  const [language, setLanguage] = useState('')
  const [label, setLabel] = useState('')
  const onSuccess = async (record: MediaRecord) => {
    setTracks(record.tracks)
    await refreshMedia(queryClient)
  }
  const remove = useMutation({ mutationFn: (id: string) => removeTrack(media.id, id), onSuccess })
  const add = useMutation({
    mutationFn: (chosen: File) =>
      addTrack(media.id, { language: language.trim(), label: label.trim() }, chosen),
    onSuccess: async (record) => {
      setFile(null)
      setLanguage('')
      setLabel('')
      await onSuccess(record)
    },
  })
  const tooLarge = file !== null && file.size > MAX_TRACK_BYTES
  const isComplete = file !== null && !tooLarge && language.trim() !== '' && label.trim() !== ''
  return (
    <Stack
      gap="xs"
      component="fieldset"
      className="subtitles"
      onKeyDown={(event) => {
        if (event.key !== 'Enter' || !(event.target instanceof HTMLInputElement)) return
        event.preventDefault() // it would save the dialog, and lose what was entered here
        if (isComplete) add.mutate(file)
      }}
    >
      <legend>Subtitles</legend>
      {tracks.map((track) => (
        <Group key={track.id} justify="space-between" wrap="nowrap">
          <Text size="sm" className="wrap-anywhere">
            {track.label} ({track.language})
          </Text>
          <Button
            variant="default"
            size="xs"
            aria-label={`Remove the subtitles ${track.label}`}
            loading={remove.isPending && remove.variables === track.id}
            onClick={() => remove.mutate(track.id)}
          >
            Remove
          </Button>
        </Group>
      ))}
      <FileInput
        label="WebVTT file"
        placeholder="Choose a .vtt file"
        accept=".vtt,text/vtt"
        value={file}
        clearable
        error={tooLarge ? 'A file has at most 1 MiB.' : undefined}
        onChange={setFile}
      />
      <Group grow align="start">
        <TextInput
          label="Language code"
          placeholder="en"
          value={language}
          maxLength={30}
          onChange={(event) => setLanguage(event.currentTarget.value)}
        />
        <TextInput
          label="Name in the menu"
          placeholder="English"
          value={label}
          maxLength={60}
          onChange={(event) => setLabel(event.currentTarget.value)}
        />
      </Group>
      <Failure error={add.error ?? remove.error} />
      <Button
        variant="default"
        loading={add.isPending}
        disabled={!isComplete}
        onClick={() => file && add.mutate(file)}
      >
        Add subtitles
      </Button>
    </Stack>
  )
}
