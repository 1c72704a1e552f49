// A way to bring one title to many viewers at once, from one origin behind a counting proxy.
import type { Page } from '@playwright/test'

/** The title, the same for all contenders. */
interface SwarmTitle {
  /** MP4 (H.264, AAC) on the disk of this machine. */
  readonly path: string
  /** Cap of the origin's uplink, bytes a second, or `null` for none. */
  readonly uplink: number | null
}

/** A title that is on offer; whoever started it closes it. */
interface SwarmOffer {
  /** Page that plays the title. */
  readonly url: string
  /** Bytes of one copy of the title, as this contender's origin has it. */
  readonly size: number
  /** Media bytes that the origin sent so far. */
  sentBytes(): number
  /** One line for `--verbose` on what a viewer's page knows of its own downloads. */
  describe?(page: Page): Promise<string>
  /** Ends what was started and removes its files. */
  close(): Promise<void>
}

export interface SwarmContender {
  /** As on the command line. */
  readonly name: string
  /** As in the tables. */
  readonly title: string
  /** Everything a publisher does before the first viewer comes. */
  offer(title: SwarmTitle): Promise<SwarmOffer>
}
