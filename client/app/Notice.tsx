// A page that has one thing to say: nothing here, not found, failed.
import { Button, Group, Text, Title } from '@mantine/core'
import { useDocumentTitle } from '@mantine/hooks'
import type { ReactNode } from 'react'
import { Link } from 'react-router'

export interface NoticeProps {
  readonly title: string
  readonly text: ReactNode
  readonly icon?: ReactNode
  /** Read out at once by screen readers: for failures. */
  readonly alert?: boolean
  /** What can be done about it: buttons. */
  readonly children?: ReactNode
}

export function Notice({ title, text, icon, alert = false, children }: NoticeProps) {
  return (
    <section className="notice" role={alert ? 'alert' : undefined}>
      {icon}
      <Title order={2} size="h3">
        {title}
      </Title>
      <Text c="dimmed" maw={480}>
        {text}
      </Text>
      {children !== undefined && <Group justify="center">{children}</Group>}
    </section>
  )
}

export function NotFoundPage({ what }: { readonly what: 'page' | 'title' }) {
  useDocumentTitle('Not found · Slipstream')
  return (
    <section className="notice">
      <Title order={1} size="h2">
        {what === 'page' ? 'There is no such page' : 'This title is not here'}
      </Title>
      <Text c="dimmed" maw={480}>
        {what === 'page'
          ? 'The address may be mistyped.'
          : 'It was deleted, or the link is not complete.'}
      </Text>
      <Button component={Link} to="/">
        Go to the catalogue
      </Button>
    </section>
  )
}
