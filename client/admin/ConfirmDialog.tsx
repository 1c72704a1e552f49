// Asks before something is taken away for good. The way back has the focus.
import { Button, Group, Modal, Stack, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import { Failure } from './Failure.tsx'

export interface ConfirmDialogProps {
  /** The question. */
  readonly title: string
  /** The word on the button that does it. */
  readonly action: string
  /** What is lost and what stays. */
  readonly children: ReactNode
  readonly isPending: boolean
  /** Of the last attempt, or `null`. */
  readonly error: unknown
  readonly onConfirm: () => void
  readonly onClose: () => void
}

export function ConfirmDialog(props: ConfirmDialogProps) {
  const { title, action, children, isPending, error, onConfirm, onClose } = props
  return (
    <Modal opened onClose={onClose} title={title} closeButtonProps={{ 'aria-label': 'Close' }}>
      <Stack>
        <Text className="wrap-anywhere">{children}</Text>
        <Failure error={error} />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose} data-autofocus>
            Keep it
          </Button>
          <Button color="red.8" loading={isPending} onClick={onConfirm}>
            {action}
          </Button>
        </Group>
      </Stack>
    </Modal>
  )
}
