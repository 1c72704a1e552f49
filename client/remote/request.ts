// The one way to the server's JSON calls. Answers are parsed here, so that what the pages get is
// what the protocol says; every failure is an `ApiError` whose message can be shown.
import * as v from 'valibot'
import { type ErrorCode, errorBodySchema } from '#protocol/errors.ts'
import { ownPath } from './own-address.ts'

/** `network`: no answer. `unreadable`: an answer that is not what the protocol says. */
export type ApiErrorCode = ErrorCode | 'network' | 'unreadable'

export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly code: ApiErrorCode
  /** HTTP status, 0 when there was no answer. */
  readonly status: number

  constructor(code: ApiErrorCode, message: string, status: number, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.status = status
  }
}

export interface RequestOptions {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** A `Blob` is sent as it is, with its type; anything else as JSON. */
  readonly body?: unknown
  readonly signal?: AbortSignal
}

/**
 * Sends a request and parses the JSON answer.
 * @param path as the server's routes have it
 * @throws ApiError; an abort by `signal` is thrown as it is
 */
export async function requestJson<Schema extends v.GenericSchema>(
  path: string,
  schema: Schema,
  options: RequestOptions = {},
): Promise<v.InferOutput<Schema>> {
  const response = await request(path, options)
  const result = v.safeParse(schema, await readJson(response))
  if (!result.success) throw unreadable(response)
  return result.output
}

/**
 * Sends a request whose answer does not matter beyond its success.
 * @param path as the server's routes have it
 * @throws ApiError; an abort by `signal` is thrown as it is
 */
export async function request(path: string, options: RequestOptions = {}): Promise<Response> {
  const { method = 'GET', body, signal } = options
  const init: RequestInit = { method, headers: { Accept: 'application/json' } }
  if (signal !== undefined) init.signal = signal
  if (body instanceof Blob) init.body = body
  else if (body !== undefined) {
    init.headers = { Accept: 'application/json', 'Content-Type': 'application/json' }
    init.body = JSON.stringify(body)
  }
  let response: Response
  try {
    response = await fetch(ownPath(path), init)
  } catch (error) {
    if (signal?.aborted) throw error
    const message = 'The server cannot be reached. Check the connection and try again.'
    throw new ApiError('network', message, 0, { cause: error })
  }
  if (!response.ok) throw await errorOf(response)
  return response
}

async function errorOf(response: Response): Promise<ApiError> {
  const result = v.safeParse(errorBodySchema, await readJson(response))
  if (!result.success) return unreadable(response)
  const { code, message } = result.output.error
  return new ApiError(code, message, response.status)
}

async function readJson(response: Response): Promise<unknown> {
  try {
    return await response.json()
  } catch {
    return undefined
  }
}

function unreadable({ status }: Response): ApiError {
  const message = `The server gave an answer that this page does not understand (${status}). Reload the page and try again.`
  return new ApiError('unreadable', message, status)
}

/** @returns a sentence for a person, whatever was thrown */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
