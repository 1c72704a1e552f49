// Which sites may put players into their pages, unless a title says otherwise.
import { Button, Group, Skeleton, Stack, Text, Title } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import type { Settings } from '#protocol/settings.ts'
import { saveSettings, settingsQuery } from '../remote/settings.ts'
import { Failure } from './Failure.tsx'
import { splitFault } from './field-fault.ts'
import { LoadFailure } from './LoadFailure.tsx'
import { SitesField } from './SitesField.tsx'
import { readSites, sitesEntry } from './site-lists.ts'

export function EmbeddingPanel() {
  const settings = useQuery(settingsQuery)
  return (
    <section aria-labelledby="embedding-heading">
      <Title order={2} size="h4" mb={4} id="embedding-heading">
        Embedding
      </Title>
      <Text size="sm" c="dimmed" mb="sm" maw={640}>
        Sites put a player into their pages with the code behind “Embed”. A title can have sites of
        its own.
      </Text>
      {settings.isPending && (
        <Skeleton height={120} radius="md" role="status" aria-label="Loading who may embed" />
      )}
      {settings.isError && (
        <LoadFailure title="Who may embed could not be loaded" query={settings} />
      )}
      {settings.data !== undefined && <SitesForm settings={settings.data} />}
    </section>
  )
}

function SitesForm({ settings }: { readonly settings: Settings }) {
  const queryClient = useQueryClient()
  const [entry, setEntry] = useState(() => sitesEntry(settings.embedSites))
  const save = useMutation({
    mutationFn: saveSettings,
    onSuccess: (saved) => {
      queryClient.setQueryData(settingsQuery.queryKey, saved)
      setEntry(sitesEntry(saved.embedSites))
    },
  })
  const [asked, setAsked] = useState(false)
  const read = readSites(entry)
  const fault = splitFault(save.error)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    setAsked(true)
    if ('value' in read && !save.isPending) save.mutate({ embedSites: read.value })
  }
  return (
    <form onSubmit={submit} className="card entry-form">
      <Stack gap="sm">
        <SitesField
          label="Players may be embedded by"
          allLabel="Every site"
          entry={entry}
          fault={asked && 'fault' in read ? read.fault : fault.field}
          onChange={(changed) => {
            setEntry(changed)
            save.reset()
          }}
        />
        <Failure error={fault.other} />
        <Group gap="sm">
          <Button type="submit" loading={save.isPending}>
            Apply
          </Button>
          <Text size="sm" role="status">
            {save.isSuccess && 'Applied.'}
          </Text>
        </Group>
      </Stack>
    </form>
  )
}
