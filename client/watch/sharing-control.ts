// What the viewer says of sharing on this device, and what follows from it for a title. Remembered
// in localStorage, in memory where that is refused; other tabs follow at once. One for the page,
// free of any framework; it lives as long as the page.
import * as v from 'valibot'
import type { SiteSettings } from '#protocol/boot.ts'
import type { MediaRecord } from '#protocol/media.ts'
import {
  decideSharing,
  type Metering,
  NO_CHOICE,
  type SharingDecision,
  type ViewerChoice,
} from '../playback/sharing.ts'

const CHOICE_KEY = 'slipstream-sharing'
/** In sessionStorage: what this tab has uploaded before the page was loaded, in bytes. */
const UPLOADED_KEY = 'slipstream-uploaded'

const limitSchema = v.nullable(v.pipe(v.number(), v.finite(), v.minValue(0)))
const choiceSchema = v.object({
  share: v.nullable(v.boolean()),
  uploadRate: limitSchema,
  sessionBytes: limitSchema,
})

/** The part of the Network Information API that is used; few browsers have it. */
interface NetworkInformation extends EventTarget {
  readonly type?: string
  readonly saveData?: boolean
}

/** What the control needs of the browser. */
export interface SharingSurroundings {
  readonly operatorDefault: SiteSettings['p2pDefault']
  /** `null` where the browser does not tell. */
  readonly connection: NetworkInformation | null
  /** Called for each, because the mere look at a storage may throw. */
  readonly localStorage: () => Storage
  readonly sessionStorage: () => Storage
  /** Where `storage` and `pagehide` events come. */
  readonly page: EventTarget
}

export class SharingControl {
  readonly #surroundings: SharingSurroundings
  readonly #listeners = new Set<() => void>()
  #choice: ViewerChoice
  /** Bytes of playbacks that have ended. */
  #uploaded: number
  /** Asked for the bytes of the playback that runs. */
  #running: () => number = () => 0

  constructor(surroundings: SharingSurroundings) {
    this.#surroundings = surroundings
    this.#choice = parseChoice(this.#read('localStorage', CHOICE_KEY))
    const uploaded = Number(this.#read('sessionStorage', UPLOADED_KEY))
    this.#uploaded = Number.isFinite(uploaded) && uploaded > 0 ? uploaded : 0
    surroundings.connection?.addEventListener('change', this.#notify)
    surroundings.page.addEventListener('storage', (event) => {
      const { key, newValue } = event as StorageEvent
      if (key !== CHOICE_KEY && key !== null) return
      this.#choice = parseChoice(key === null ? null : newValue)
      this.#notify()
    })
    surroundings.page.addEventListener('pagehide', () => {
      this.#write('sessionStorage', UPLOADED_KEY, String(this.uploadedBytes))
    })
  }

  get choice(): ViewerChoice {
    return this.#choice
  }

  /** Payload bytes that this tab has uploaded since it was opened. */
  get uploadedBytes(): number {
    return this.#uploaded + this.#running()
  }

  get metering(): Metering {
    const { connection } = this.#surroundings
    if (connection?.type === 'cellular') return 'cellular'
    return connection?.saveData === true ? 'save-data' : null
  }

  /** Changes what the viewer wants; what is left out stays. */
  choose(change: Partial<ViewerChoice>): void {
    this.#choice = { ...this.#choice, ...change }
    this.#write('localStorage', CHOICE_KEY, JSON.stringify(this.#choice))
    this.#notify()
  }

  decide(title: MediaRecord['p2p']): SharingDecision {
    return decideSharing({
      operatorDefault: this.#surroundings.operatorDefault,
      publisher: title,
      choice: this.#choice,
      metering: this.metering,
      uploadedBytes: this.uploadedBytes,
    })
  }

  /**
   * Has a playback's uploads counted in the session.
   * @param uploaded its payload bytes so far
   * @returns the function that ends it; what it uploaded stays counted
   */
  count(uploaded: () => number): () => void {
    this.#running = uploaded
    return () => {
      if (this.#running !== uploaded) return
      this.#uploaded += uploaded()
      this.#running = () => 0
    }
  }

  /** @returns the function that ends the subscription */
  readonly subscribe = (onChange: () => void): (() => void) => {
    this.#listeners.add(onChange)
    return () => this.#listeners.delete(onChange)
  }

  readonly #notify = (): void => {
    for (const listener of this.#listeners) listener()
  }

  #read(storage: 'localStorage' | 'sessionStorage', key: string): string | null {
    try {
      return this.#surroundings[storage]().getItem(key)
    } catch {
      return null // refused in this browser or frame
    }
  }

  #write(storage: 'localStorage' | 'sessionStorage', key: string, value: string): void {
    try {
      this.#surroundings[storage]().setItem(key, value)
    } catch {
      // Refused, or full: it holds for as long as the page does.
    }
  }
}

function parseChoice(text: string | null): ViewerChoice {
  const result = v.safeParse(v.pipe(v.string(), v.parseJson(), choiceSchema), text)
  return result.success ? result.output : NO_CHOICE
}

let control: SharingControl | null = null

/** @returns the one of this page, made with the first call */
export function sharingControl(operatorDefault: SiteSettings['p2pDefault']): SharingControl {
  control ??= new SharingControl({
    operatorDefault,
    connection:
      'connection' in navigator ? (navigator.connection as NetworkInformation | null) : null,
    localStorage: () => localStorage,
    sessionStorage: () => sessionStorage,
    page: window,
  })
  return control
}
