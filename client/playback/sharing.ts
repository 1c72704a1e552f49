// What may pass between this viewer and others at present. A pure function of what operator,
// publisher and viewer said, of the connection, and of what was uploaded so far.
import type { SiteSettings } from '#protocol/boot.ts'
import type { MediaRecord } from '#protocol/media.ts'

/** What a viewer has said on this device. */
export interface ViewerChoice {
  /** `null`: has not said yet. */
  readonly share: boolean | null
  /** Bytes per second, or `null` for no limit. */
  readonly uploadRate: number | null
  /** Bytes of one session (a tab from opening to closing), or `null` for no limit. */
  readonly sessionBytes: number | null
}

export const NO_CHOICE: ViewerChoice = { share: null, uploadRate: null, sessionBytes: null }

/** Why uploading would cost the viewer, as far as the browser knows; `null` also when it does not. */
export type Metering = 'cellular' | 'save-data' | null

export interface SharingSituation {
  readonly operatorDefault: SiteSettings['p2pDefault']
  /** What the publisher says of the title. */
  readonly publisher: Pick<MediaRecord['p2p'], 'enabled'>
  readonly choice: ViewerChoice
  readonly metering: Metering
  /** Payload bytes of this session. */
  readonly uploadedBytes: number
}

/** Why there are no peers; `unanswered`: the viewer is yet to be asked. */
export type NoPeersReason = 'publisher' | 'viewer' | 'operator' | 'unanswered'

/** What peers may be sent, from now on. */
export interface UploadLimit {
  /** `null` for no limit; never 0. */
  readonly bytesPerSecond: number | null
  /** `null` for no limit; 0 when nothing may be sent at all. */
  readonly bytesLeft: number | null
}

export type SharingDecision =
  | { readonly peers: false; readonly because: NoPeersReason }
  | {
      readonly peers: true
      readonly upload: UploadLimit
      /** Why nothing may be uploaded; downloading from peers goes on. */
      readonly withheld: Exclude<Metering, null> | 'viewer' | null
    }

const NOTHING: UploadLimit = { bytesPerSecond: null, bytesLeft: 0 }

/** The publisher's no counts most, then the viewer's word, then the operator's default. */
export function decideSharing(situation: SharingSituation): SharingDecision {
  const { operatorDefault, publisher, choice, metering, uploadedBytes } = situation
  if (!publisher.enabled) return { peers: false, because: 'publisher' }
  if (choice.share === false) return { peers: false, because: 'viewer' }
  if (choice.share === null && operatorDefault !== 'on') {
    return { peers: false, because: operatorDefault === 'ask' ? 'unanswered' : 'operator' }
  }
  if (metering !== null) return { peers: true, upload: NOTHING, withheld: metering }
  const { uploadRate, sessionBytes } = choice
  const bytesLeft = sessionBytes === null ? null : Math.max(0, sessionBytes - uploadedBytes)
  if (bytesLeft === 0 || uploadRate === 0) {
    return { peers: true, upload: NOTHING, withheld: 'viewer' }
  }
  return { peers: true, upload: { bytesPerSecond: uploadRate, bytesLeft }, withheld: null }
}
