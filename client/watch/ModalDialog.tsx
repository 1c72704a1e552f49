// A dialog over everything: the browser keeps the focus in it and closes it by Escape, and a press
// beside it closes it too. Whatever had the focus before has it again afterwards.
import { type ReactNode, useEffect, useRef } from 'react'

export interface ModalDialogProps {
  readonly className: string
  /** Id of the element in it that names it. */
  readonly labelledBy: string
  readonly onClose: () => void
  readonly children: ReactNode
}

export function ModalDialog({ className, labelledBy, onClose, children }: ModalDialogProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  /** Text that is selected out of a field must not close it. */
  const pressedBeside = useRef(false)
  useEffect(() => {
    const shown = dialog.current
    const focused = document.activeElement
    shown?.showModal()
    // React has tried that before the dialog was shown.
    shown?.querySelector<HTMLElement>('[data-autofocus]')?.focus()
    return () => {
      shown?.close()
      if (focused instanceof HTMLElement) focused.focus()
    }
  }, [])
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape does the same
    <dialog
      ref={dialog}
      className={className}
      aria-labelledby={labelledBy}
      onClose={onClose}
      onPointerDown={(event) => {
        pressedBeside.current = event.target === dialog.current
      }}
      onClick={(event) => {
        if (pressedBeside.current && event.target === dialog.current) onClose()
      }}
    >
      {children}
    </dialog>
  )
}
