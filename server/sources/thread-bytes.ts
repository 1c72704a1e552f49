// Bytes that lie in the build thread: a part of the portion that a request was given last. Good until
// the next portion is asked for.

export class ThreadBytes {
  readonly request: number
  /** First byte in the portion. */
  readonly from: number
  /** The byte after the last one. */
  readonly to: number

  constructor(request: number, from: number, to: number) {
    this.request = request
    this.from = from
    this.to = to
  }

  get length(): number {
    return this.to - this.from
  }

  /** As of a typed array, without negative places. */
  subarray(start: number, end: number): ThreadBytes {
    const to = Math.min(this.from + end, this.to)
    return new ThreadBytes(this.request, Math.min(this.from + start, to), to)
  }
}
