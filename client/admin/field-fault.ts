// Which of the server's refusals are about what was entered, and so stand at the field.
import { ApiError, type ApiErrorCode, messageOf } from '../remote/request.ts'

const ABOUT_THE_ENTRY: readonly ApiErrorCode[] = [
  'bad_request',
  'conflict',
  'not_found',
  'payload_too_large',
  'source_not_allowed',
  'source_unreachable',
  'source_unsuitable',
  'unsupported_media',
]

/** @returns what is wrong with the entry, and what failed for another reason */
export function splitFault(error: unknown): {
  readonly field: string | undefined
  readonly other: unknown
} {
  const isEntry = error instanceof ApiError && ABOUT_THE_ENTRY.includes(error.code)
  return isEntry ? { field: messageOf(error), other: null } : { field: undefined, other: error }
}
