// The one error class of the server and its table: code → status. 4xx are logged at info, 5xx at
// error with their cause (but see send-error.ts); only `code` and `message` reach a client.
import type { ErrorBody, ErrorCode } from '#protocol/errors.ts'

const STATUS: Record<ErrorCode, number> = {
  bad_request: 400,
  not_signed_in: 401,
  invalid_credentials: 401,
  cross_origin: 403,
  setup_closed: 403,
  source_not_allowed: 403,
  site_not_allowed: 403,
  not_found: 404,
  method_not_allowed: 405,
  request_timeout: 408,
  conflict: 409,
  gone: 410,
  precondition_failed: 412,
  payload_too_large: 413,
  unsupported_media: 415,
  range_not_satisfiable: 416,
  source_unsuitable: 422,
  too_many_requests: 429,
  internal: 500,
  not_implemented: 501,
  source_unreachable: 502,
  torrent_not_ready: 503,
  storage_full: 507,
}

/** An error that a client is told about. The message says what happened and what to do. */
export class SlipstreamError extends Error {
  override readonly name = 'SlipstreamError'
  readonly code: ErrorCode
  /** Extra response headers, `Retry-After` for one. */
  readonly headers: Readonly<Record<string, string>>

  constructor(
    code: ErrorCode,
    message: string,
    options: ErrorOptions & { headers?: Record<string, string> } = {},
  ) {
    super(message, options)
    this.code = code
    this.headers = options.headers ?? {}
  }

  /** HTTP status code. */
  get status(): number {
    return STATUS[this.code]
  }

  /** The JSON body for the client. */
  get body(): ErrorBody {
    return { error: { code: this.code, message: this.message } }
  }
}

/**
 * Turns whatever was thrown into an error for a client.
 * @returns the error itself when it is ours, `storage_full` for a full disk, else `internal` with
 *   the original as `cause`
 */
export function toSlipstreamError(thrown: unknown): SlipstreamError {
  if (thrown instanceof SlipstreamError) return thrown
  const systemCode = (thrown as NodeJS.ErrnoException | null)?.code
  if (systemCode === 'ENOSPC' || systemCode === 'EDQUOT') {
    const message = 'The server has no room left for this. Free some disk space and try again.'
    return new SlipstreamError('storage_full', message, { cause: thrown })
  }
  const { status, type } = (thrown ?? {}) as { status?: unknown; type?: unknown }
  if (status === 413) {
    return new SlipstreamError('payload_too_large', 'The request is too large.', { cause: thrown })
  }
  if (typeof status === 'number' && status >= 400 && status < 500) {
    // From Express: a body that is no JSON, or a path with a broken escape.
    const what = type === 'entity.parse.failed' ? 'its JSON' : 'its address or its body'
    const message = `The request could not be read: ${what} is malformed.`
    return new SlipstreamError('bad_request', message, { cause: thrown })
  }
  const message = 'Something went wrong on the server. Its log has the details; try again later.'
  return new SlipstreamError('internal', message, { cause: thrown })
}
