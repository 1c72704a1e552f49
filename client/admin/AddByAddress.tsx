// A title made of a file that lies elsewhere, by the file's address.
import { Button, Group, Stack, Text } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useRef, useState } from 'react'
import { Link } from 'react-router'
import { refreshMedia } from '../remote/media.ts'
import { addByAddress } from '../remote/sources.ts'
import { AddressField } from './AddressField.tsx'
import { Failure } from './Failure.tsx'
import { splitFault } from './field-fault.ts'

export function AddByAddress() {
  const queryClient = useQueryClient()
  const field = useRef<HTMLInputElement>(null)
  const [url, setUrl] = useState('')
  const add = useMutation({
    mutationFn: addByAddress,
    onSuccess: async () => {
      setUrl('')
      await refreshMedia(queryClient)
    },
  })
  const fault = splitFault(add.error)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    field.current?.focus()
    if (url.trim() !== '' && !add.isPending) add.mutate(url.trim())
  }
  return (
    <form onSubmit={submit} noValidate className="card entry-form">
      <Stack gap="sm">
        <AddressField
          ref={field}
          label="Add by address"
          description="The address of a video or audio file at an allowed origin."
          placeholder="https://cdn.example.org/films/film.mp4"
          value={url}
          maxLength={4000}
          fault={fault.field}
          onChange={(changed) => {
            setUrl(changed)
            if (add.isError) add.reset()
          }}
        />
        <Group>
          <Button type="submit" loading={add.isPending} disabled={url.trim() === ''}>
            Add
          </Button>
          <Text size="sm" role="status" className="wrap-anywhere">
            {add.isSuccess && (
              <>
                <Link className="text-link" to={`/watch/${add.data.id}`}>
                  {add.data.title}
                </Link>{' '}
                is in the list of titles.
              </>
            )}
          </Text>
        </Group>
        <Failure error={fault.other} />
      </Stack>
    </form>
  )
}
