// A server that sends ranges of one file.
export interface WebSeedContender {
  readonly name: string
  /** URL of the file. */
  readonly url: string
  /** Bytes of the file. */
  readonly size: number
  /** Processes of the server; their children belong to them. */
  readonly pids: readonly number[]
  /** Ends the server. */
  close(): Promise<void>
}
