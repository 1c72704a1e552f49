// Light or dark. Applied before anything is drawn, so that a dark page never flashes white; from
// then on Mantine keeps the attribute, under the same key of localStorage.
export const COLOR_SCHEME_KEY = 'slipstream-color-scheme'

/** Marks the document with the scheme that the viewer chose, or with that of the system. */
export function applyColorScheme(): void {
  const chosen = chosenScheme()
  const dark = matchMedia('(prefers-color-scheme: dark)').matches
  const scheme = chosen === 'light' || chosen === 'dark' ? chosen : dark ? 'dark' : 'light'
  document.documentElement.setAttribute('data-mantine-color-scheme', scheme)
}

function chosenScheme(): string | null {
  try {
    return localStorage.getItem(COLOR_SCHEME_KEY)
  } catch {
    return null // storage is forbidden in this browser or frame
  }
}
