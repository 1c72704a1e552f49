// A button that copies a link and says that it did, to eyes and ears.
import { Button, type ButtonProps } from '@mantine/core'
import { IconCheck, IconLink } from '@tabler/icons-react'
import { useEffect, useState } from 'react'
import { copyText } from './clipboard.ts'

const SAID_FOR_MS = 2500

export interface CopyLinkButtonProps extends ButtonProps {
  readonly url: string
  /** Names the link for screen readers where several buttons stand in a list. */
  readonly of?: string
}

export function CopyLinkButton({ url, of, ...props }: CopyLinkButtonProps) {
  const [outcome, setOutcome] = useState<'copied' | 'failed' | null>(null)
  useEffect(() => {
    if (outcome === null) return
    const timer = setTimeout(() => setOutcome(null), SAID_FOR_MS)
    return () => clearTimeout(timer)
  }, [outcome])

  const text =
    outcome === 'copied' ? 'Copied' : outcome === 'failed' ? 'Copying is not allowed' : 'Copy link'
  return (
    <>
      <Button
        variant="default"
        {...props}
        leftSection={outcome === 'copied' ? <IconCheck size={16} /> : <IconLink size={16} />}
        aria-label={of === undefined ? undefined : `Copy link of ${of}`}
        onClick={async () => setOutcome((await copyText(url)) ? 'copied' : 'failed')}
      >
        {text}
      </Button>
      <span role="status" className="visually-hidden">
        {outcome === 'copied' ? 'Link copied' : outcome === 'failed' ? text : ''}
      </span>
    </>
  )
}
