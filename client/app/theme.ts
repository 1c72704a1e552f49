// The look of all pages: quiet greys with one teal accent, system fonts, soft corners.
import { createTheme, localStorageColorSchemeManager, type MantineColorsTuple } from '@mantine/core'
import { COLOR_SCHEME_KEY } from './color-scheme.ts'

const stream: MantineColorsTuple = [
  '#effcf9',
  '#d6f5ee',
  '#aaeadd',
  '#74dac9',
  '#43c4b2',
  '#26a999',
  '#178a7e',
  '#0f766e',
  '#115e59',
  '#134e4a',
]

const dark: MantineColorsTuple = [
  '#dfe2e8',
  '#b9bec9',
  '#9aa1af',
  '#666e7d',
  '#3d434f',
  '#2c313b',
  '#20242c',
  '#15171c',
  '#101216',
  '#0b0c0f',
]

export const theme = createTheme({
  colors: { stream, dark },
  primaryColor: 'stream',
  // White text on it has a contrast of 5.5 : 1.
  primaryShade: 7,
  autoContrast: true,
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif',
  headings: { fontWeight: '650' },
  defaultRadius: 'md',
  cursorType: 'pointer',
  respectReducedMotion: true,
})

export const colorSchemeManager = localStorageColorSchemeManager({ key: COLOR_SCHEME_KEY })
