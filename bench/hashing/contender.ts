// A way to hash the pieces of a file.
export interface HashingContender {
  readonly name: string
  /**
   * Reads the whole file and hashes it.
   * @param path a file that is in the page cache
   * @returns seconds
   */
  hash(path: string): Promise<number>
}
