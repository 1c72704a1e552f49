// The keys of the player, and where they work, in a dialog.
import { ModalDialog } from './ModalDialog.tsx'
import { SHORTCUT_HELP } from './shortcuts.ts'
import type { Shortcuts } from './use-shortcuts.ts'

/** Stands among the player's controls, where there is a keyboard. */
export function HelpButton({ onOpen }: { readonly onOpen: () => void }) {
  return (
    <button
      type="button"
      className="player-button player-help-button"
      aria-label="Keyboard shortcuts"
      title="Keyboard shortcuts (?)"
      onClick={onOpen}
    >
      <svg viewBox="0 0 24 24" role="presentation">
        <rect x="2.5" y="6" width="19" height="12" rx="2" />
        <path d="M6 10h.01M10 10h.01M14 10h.01M18 10h.01M7 14h10" />
      </svg>
    </button>
  )
}

interface ShortcutHelpProps {
  readonly shortcuts: Shortcuts
  readonly onClose: () => void
}

export function ShortcutHelp({ shortcuts, onClose }: ShortcutHelpProps) {
  return (
    <ModalDialog className="player-help" labelledBy="player-help-title" onClose={onClose}>
      <div className="player-help-body">
        <h2 id="player-help-title">Keyboard shortcuts</h2>
        <dl>
          {SHORTCUT_HELP.map(({ keys, does }) => (
            <div key={does}>
              <dt>
                {keys.map((key) => (
                  <kbd key={key}>{key}</kbd>
                ))}
              </dt>
              <dd>{does}</dd>
            </div>
          ))}
        </dl>
        <label className="player-help-switch">
          <input
            type="checkbox"
            checked={shortcuts.onPage}
            onChange={(event) => shortcuts.setOnPage(event.currentTarget.checked)}
          />
          <span>
            Keys work on the whole page
            <small>Otherwise only while the player has the focus.</small>
          </span>
        </label>
        <button type="button" onClick={onClose}>
          Close
        </button>
      </div>
    </ModalDialog>
  )
}
