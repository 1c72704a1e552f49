// Upload limits as a viewer types them, and in bytes.

/** A limit's unit, in bytes, and the largest value that is believed, in that unit. */
export interface LimitUnit {
  readonly bytes: number
  readonly max: number
}

/** Megabits per second. */
export const MBIT_PER_SECOND: LimitUnit = { bytes: 125_000, max: 10_000 }
/** Megabytes. */
export const MEGABYTES: LimitUnit = { bytes: 1_000_000, max: 10_000_000 }

/**
 * @param text a number with point or comma; empty for no limit
 * @returns bytes, `null` for no limit, or `undefined` when the text is neither
 */
export function parseLimit(text: string, unit: LimitUnit): number | null | undefined {
  const trimmed = text.trim()
  if (trimmed === '') return null
  if (!/^\d{1,9}([.,]\d{0,3})?$/.test(trimmed)) return undefined
  const value = Number(trimmed.replace(',', '.'))
  return value <= unit.max ? Math.round(value * unit.bytes) : undefined
}

/** @returns what `parseLimit` reads as the same limit, to three digits after the point */
export function writeLimit(bytes: number | null, unit: LimitUnit): string {
  return bytes === null ? '' : String(Math.round((bytes / unit.bytes) * 1000) / 1000)
}
