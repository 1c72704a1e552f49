// A button that opens the dialog with what is pasted into a page to have a title play there. Both
// stand on the watch page as well, so they need no more of the component library than that has.
import { Button, type ButtonProps } from '@mantine/core'
import { IconCode } from '@tabler/icons-react'
import { useId, useState } from 'react'
import type { MediaRecord } from '#protocol/media.ts'
import { embedAddresses } from '../remote/media.ts'
import { ModalDialog } from '../watch/ModalDialog.tsx'
import { CopyButton } from './CopyButton.tsx'
import { plainFrameCode, playerCode } from './embed-code.ts'

export interface EmbedButtonProps extends ButtonProps {
  readonly media: MediaRecord
  /** Names the title for screen readers where several buttons stand in a list. */
  readonly isInList?: boolean
}

export function EmbedButton({ media, isInList = false, ...props }: EmbedButtonProps) {
  const [isOpen, setIsOpen] = useState(false)
  return (
    <>
      <Button
        variant="default"
        {...props}
        leftSection={<IconCode size={16} />}
        aria-label={isInList ? `Embed ${media.title}` : undefined}
        aria-haspopup="dialog"
        onClick={() => setIsOpen(true)}
      >
        Embed
      </Button>
      {isOpen && <EmbedDialog media={media} onClose={() => setIsOpen(false)} />}
    </>
  )
}

interface EmbedDialogProps {
  readonly media: MediaRecord
  readonly onClose: () => void
}

function EmbedDialog({ media, onClose }: EmbedDialogProps) {
  const headingId = useId()
  const addresses = embedAddresses(media.id)
  return (
    <ModalDialog className="embed-dialog" labelledBy={headingId} onClose={onClose}>
      <div className="embed-dialog-body">
        <h2 id={headingId}>Embed “{media.title}”</h2>
        <Code
          heading="With a script"
          what="player code"
          hint="Understands the attributes and events of a <video>; plays the file itself where no scripts run."
          code={playerCode(media, addresses)}
        />
        <Code
          heading="Without a script"
          what="frame code"
          hint="For sites that let you paste a frame only."
          code={plainFrameCode(media, addresses)}
        />
        <Button variant="default" onClick={onClose} className="embed-dialog-close">
          Close
        </Button>
      </div>
    </ModalDialog>
  )
}

interface CodeProps {
  readonly heading: string
  readonly what: string
  readonly hint: string
  readonly code: string
}

function Code({ heading, what, hint, code }: CodeProps) {
  const id = useId()
  return (
    <section aria-labelledby={id}>
      <div className="embed-dialog-head">
        <h3 id={id}>{heading}</h3>
        <CopyButton text={code} what={what} size="xs" />
      </div>
      <p>{hint}</p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard */}
      <pre tabIndex={0}>{code}</pre>
    </section>
  )
}
