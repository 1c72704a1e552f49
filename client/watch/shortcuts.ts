// The player's keys: what each one means, and when it belongs to the control that has the focus.

/** What a key asks for. */
export type Shortcut =
  | { readonly act: 'play' | 'mute' | 'subtitles' | 'fullscreen' | 'picture-in-picture' | 'help' }
  /** Seconds, backwards when negative. */
  | { readonly act: 'seek-by'; readonly seconds: number }
  /** Share of the duration, 0 to 1. */
  | { readonly act: 'seek-to'; readonly share: number }
  /** Of the full volume, -1 to 1. */
  | { readonly act: 'volume-by'; readonly step: number }
  /** To the next speed up or down. */
  | { readonly act: 'speed-by'; readonly step: 1 | -1 }

/** The part of a `KeyboardEvent` that decides. */
export interface KeyPress {
  readonly key: string
  readonly ctrlKey: boolean
  readonly altKey: boolean
  readonly metaKey: boolean
  /** The key is held down. */
  readonly repeat: boolean
}

const SHORTCUTS: Readonly<Record<string, Shortcut>> = {
  ' ': { act: 'play' },
  k: { act: 'play' },
  j: { act: 'seek-by', seconds: -10 },
  l: { act: 'seek-by', seconds: 10 },
  arrowleft: { act: 'seek-by', seconds: -5 },
  arrowright: { act: 'seek-by', seconds: 5 },
  arrowup: { act: 'volume-by', step: 0.05 },
  arrowdown: { act: 'volume-by', step: -0.05 },
  m: { act: 'mute' },
  c: { act: 'subtitles' },
  f: { act: 'fullscreen' },
  p: { act: 'picture-in-picture' },
  '<': { act: 'speed-by', step: -1 },
  '>': { act: 'speed-by', step: 1 },
  '?': { act: 'help' },
}

/** For the help, in the order in which it is read. */
export const SHORTCUT_HELP: readonly { readonly keys: readonly string[]; readonly does: string }[] =
  [
    { keys: ['Space', 'K'], does: 'Play or pause' },
    { keys: ['←', '→'], does: 'Back or ahead 5 seconds' },
    { keys: ['J', 'L'], does: 'Back or ahead 10 seconds' },
    { keys: ['0 – 9'], does: 'From 0 to 90 % of the title' },
    { keys: ['↑', '↓'], does: 'Louder or softer, while the player has the focus' },
    { keys: ['M'], does: 'Sound off or on' },
    { keys: ['C'], does: 'Subtitles on or off, where there are some' },
    { keys: ['<', '>'], does: 'Slower or faster' },
    { keys: ['F'], does: 'Full screen' },
    { keys: ['P'], does: 'Picture in picture' },
    { keys: ['?'], does: 'This help' },
  ]

/** @returns what the key asks of the player, or `null` when it is none of its keys */
export function shortcutOf({ key, ctrlKey, altKey, metaKey, repeat }: KeyPress): Shortcut | null {
  if (ctrlKey || altKey || metaKey) return null // the browser's, or the system's
  if (/^\d$/.test(key)) return { act: 'seek-to', share: Number(key) / 10 }
  const name = key.toLowerCase()
  const shortcut = Object.hasOwn(SHORTCUTS, name) ? SHORTCUTS[name] : undefined
  if (shortcut === undefined) return null
  const repeats = shortcut.act === 'seek-by' || shortcut.act === 'volume-by'
  return repeat && !repeats ? null : shortcut
}

/** What is known of an element between the focus and the root of the page. */
export interface FocusedElement {
  /** Lower case. */
  readonly tag: string
  /** Of an `<input>`. */
  readonly type?: string
  readonly role?: string | null
  readonly editable?: boolean
}

const WITHOUT_TEXT = ['button', 'submit', 'reset', 'checkbox', 'radio', 'range', 'color', 'image']
const OWN_KEYBOARD = ['dialog', 'alertdialog', 'menu', 'listbox', 'tablist', 'textbox', 'combobox']
const PRESSED = ['button', 'switch', 'checkbox', 'menuitem', 'tab', 'radio']
const MOVED = ['slider', 'spinbutton', 'radio', 'radiogroup']

/** @returns whether the element has a use of its own for the key, or for every key */
export function usesKey({ tag, type, role, editable }: FocusedElement, key: string): boolean {
  if (editable || tag === 'textarea' || tag === 'select' || tag === 'dialog') return true
  if (role && OWN_KEYBOARD.includes(role)) return true
  const input = tag === 'input' ? (type ?? 'text') : ''
  if (input !== '' && !WITHOUT_TEXT.includes(input)) return true
  if (key === ' ' || key === 'Enter') {
    if (tag === 'button' || tag === 'summary') return true
    if (input !== '' && input !== 'range') return true
    return role != null && PRESSED.includes(role)
  }
  if (!key.startsWith('Arrow')) return false
  return input === 'range' || input === 'radio' || (role != null && MOVED.includes(role))
}

/** Slowest first; the menu of the player has the same. */
export const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 2] as const

/** @returns the next speed up or down from `rate`, at the ends the last one */
export function nextSpeed(rate: number, step: 1 | -1): number {
  const faster = SPEEDS.filter((speed) => speed > rate)[0] ?? 2
  const slower = SPEEDS.filter((speed) => speed < rate).at(-1) ?? 0.5
  return step === 1 ? faster : slower
}
