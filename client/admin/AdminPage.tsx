// The admin page: set-up, sign-in, and behind it uploads, media elsewhere, titles and embedding.
import './styles.ts'
import { Button, Group, Skeleton, Stack, Text, Title } from '@mantine/core'
import { useDocumentTitle } from '@mantine/hooks'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useLocation } from 'react-router'
import type { SessionState } from '#protocol/accounts.ts'
import { Notice } from '../app/Notice.tsx'
import { messageOf } from '../remote/request.ts'
import { sessionQuery, signOut } from '../remote/session.ts'
import { SetupForm, SignInForm } from './AccountForms.tsx'
import { EmbeddingPanel } from './EmbeddingPanel.tsx'
import { SourcesPanel } from './SourcesPanel.tsx'
import { TitleList } from './TitleList.tsx'
import { UploadPanel } from './UploadPanel.tsx'
import { useRefreshAfterUploads, useUploads } from './use-uploads.ts'

export function AdminPage() {
  useDocumentTitle('Admin · Slipstream')
  const session = useQuery(sessionQuery)
  if (session.isPending) {
    return (
      <Stack role="status" aria-label="Loading the admin page">
        <Skeleton height={34} width={160} />
        <Skeleton height={180} radius="md" />
      </Stack>
    )
  }
  if (session.isError) {
    return (
      <Notice alert title="The server does not answer" text={messageOf(session.error)}>
        <Button onClick={() => session.refetch()} loading={session.isFetching}>
          Try again
        </Button>
      </Notice>
    )
  }
  const { account } = session.data
  return account === null ? (
    <SignedOut session={session.data} />
  ) : (
    <Workplace email={account.email} />
  )
}

function SignedOut({ session }: { readonly session: SessionState }) {
  const { hash } = useLocation()
  const token = new URLSearchParams(hash.slice(1)).get('setup')
  if (!session.setupNeeded) return <SignInForm staleSetupLink={token !== null} />
  if (token !== null && token !== '') return <SetupForm token={token} />
  return (
    <section className="notice">
      <Title order={1} size="h2">
        Set up Slipstream
      </Title>
      <Text c="dimmed" maw={520}>
        This server has no account yet. It printed a one-time link when it started, ending in{' '}
        <code>/admin#setup=…</code>: open that link to create the first account. Start the server
        again to get a new one.
      </Text>
    </section>
  )
}

function Workplace({ email }: { readonly email: string }) {
  const uploads = useUploads()
  useRefreshAfterUploads(uploads)
  return (
    <Stack gap="xl">
      <div className="page-head">
        <Title order={1} size="h2">
          Admin
        </Title>
        <Group gap="sm">
          <Text size="sm" c="dimmed" className="admin-email">
            {email}
          </Text>
          <SignOutButton />
        </Group>
      </div>
      <UploadPanel uploads={uploads} />
      <SourcesPanel />
      <TitleList uploading={uploads.busy} />
      <EmbeddingPanel />
    </Stack>
  )
}

function SignOutButton() {
  const queryClient = useQueryClient()
  const leave = useMutation({
    mutationFn: signOut,
    onSettled: () => queryClient.invalidateQueries({ queryKey: sessionQuery.queryKey }),
  })
  return (
    <Button variant="default" size="xs" loading={leave.isPending} onClick={() => leave.mutate()}>
      Sign out
    </Button>
  )
}
