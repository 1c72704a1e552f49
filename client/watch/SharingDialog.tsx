// The sharing settings where there is no player: a viewer may choose before watching anything.
import { useId, useSyncExternalStore } from 'react'
import { getBoot } from '../app/boot.ts'
import { ModalDialog } from './ModalDialog.tsx'
import { SharingSettings } from './SharingSettings.tsx'
import { sharingControl } from './sharing-control.ts'

/** As most publishers have it; what one says of a title shows when that is watched. */
const ANY_TITLE = { enabled: true, minViewers: 1 } as const

export function SharingDialog({ onClose }: { readonly onClose: () => void }) {
  const headingId = useId()
  const control = sharingControl(getBoot().settings.p2pDefault)
  useSyncExternalStore(control.subscribe, () => JSON.stringify([control.choice, control.metering]))
  return (
    <ModalDialog className="sharing sharing-dialog" labelledBy={headingId} onClose={onClose}>
      <div className="sharing-panel">
        <SharingSettings
          heading={<h2 id={headingId}>Sharing settings</h2>}
          control={control}
          decision={control.decide(ANY_TITLE)}
          onClose={onClose}
        />
      </div>
    </ModalDialog>
  )
}
