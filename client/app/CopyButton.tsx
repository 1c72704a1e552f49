// A button that copies something and says that it did, to eyes and ears.
import { Button, type ButtonProps } from '@mantine/core'
import { IconCheck, IconCopy, IconLink } from '@tabler/icons-react'
import { type ReactNode, useEffect, useState } from 'react'
import { copyText } from './clipboard.ts'

const SAID_FOR_MS = 2500

export interface CopyButtonProps extends ButtonProps {
  /** What is copied. */
  readonly text: string
  /** What that is, in words: `link`. */
  readonly what: string
  /** Names it for screen readers where several buttons stand in a list. */
  readonly of?: string | undefined
  readonly icon?: ReactNode
}

export function CopyButton({ text, what, of, icon, ...props }: CopyButtonProps) {
  const [outcome, setOutcome] = useState<'copied' | 'failed' | null>(null)
  useEffect(() => {
    if (outcome === null) return
    const timer = setTimeout(() => setOutcome(null), SAID_FOR_MS)
    return () => clearTimeout(timer)
  }, [outcome])

  const label =
    outcome === 'copied'
      ? 'Copied'
      : outcome === 'failed'
        ? 'Copying is not allowed'
        : `Copy ${what}`
  const said = `${what.charAt(0).toUpperCase()}${what.slice(1)} copied`
  return (
    <>
      <Button
        variant="default"
        {...props}
        leftSection={
          outcome === 'copied' ? <IconCheck size={16} /> : (icon ?? <IconCopy size={16} />)
        }
        aria-label={of === undefined ? undefined : `Copy ${what} of ${of}`}
        onClick={async () => setOutcome((await copyText(text)) ? 'copied' : 'failed')}
      >
        {label}
      </Button>
      <span role="status" className="visually-hidden">
        {outcome === 'copied' ? said : outcome === 'failed' ? label : ''}
      </span>
    </>
  )
}

export interface CopyLinkButtonProps extends ButtonProps {
  readonly url: string
  readonly of?: string
}

export function CopyLinkButton({ url, of, ...props }: CopyLinkButtonProps) {
  return <CopyButton {...props} text={url} what="link" of={of} icon={<IconLink size={16} />} />
}
