// The closed list of error codes that programs may rely on. Every error answer is JSON
// `{error: {code, message}}`; the message is for a person and may change.
import * as v from 'valibot'

const ERROR_CODES = [
  'bad_request',
  'not_signed_in',
  'invalid_credentials',
  'cross_origin',
  'setup_closed',
  'not_found',
  'method_not_allowed',
  'request_timeout',
  'conflict',
  'gone',
  'precondition_failed',
  'payload_too_large',
  'unsupported_media',
  'range_not_satisfiable',
  'source_not_allowed',
  'source_unsuitable',
  'source_unreachable',
  'site_not_allowed',
  'too_many_requests',
  'torrent_not_ready',
  'storage_full',
  'internal',
  'not_implemented',
] as const

/** What went wrong, for programs. */
export type ErrorCode = (typeof ERROR_CODES)[number]

/** Body of every error answer. */
export const errorBodySchema = v.object({
  error: v.object({ code: v.picklist(ERROR_CODES), message: v.string() }),
})
export type ErrorBody = v.InferOutput<typeof errorBodySchema>
