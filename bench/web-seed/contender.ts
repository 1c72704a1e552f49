// A server that sends ranges of one file.
export interface WebSeedContender {
  readonly name: string
  /** URL of the file. */
  readonly url: string
  /** Bytes of the file. */
  readonly size: number
  /** Process of the server; its children belong to it. */
  readonly pid: number
  /** Ends the server. */
  close(): Promise<void>
}
