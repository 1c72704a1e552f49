// A part of the benchmark, one for each thing that has goals.
import type { PartReport } from './report.ts'

interface BenchOptions {
  /** Small inputs and few rounds: fine for a look, too small for the goals. */
  readonly quick: boolean
}

export interface Part {
  /** As on the command line. */
  readonly name: string
  /** Measures; everything it started is ended when it returns or throws. */
  run(options: BenchOptions): Promise<PartReport>
}
