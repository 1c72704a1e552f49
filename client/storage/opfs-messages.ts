// What the page and its piece-file worker say to each other. Both ends are ours and of one build,
// so the messages are typed, not parsed.

/** Page to worker; `id` comes back with the answer. */
export type OpfsRequest =
  | {
      readonly id: number
      readonly type: 'open'
      /** Folder name: `<media id>-<revision>`. */
      readonly folder: string
      readonly pieceLength: number
      readonly count: number
      readonly size: number
    }
  | {
      readonly id: number
      readonly type: 'write'
      readonly index: number
      readonly bytes: Uint8Array<ArrayBuffer>
    }
  | {
      readonly id: number
      readonly type: 'read'
      readonly index: number
      readonly offset: number
      readonly length: number
    }
  | { readonly id: number; readonly type: 'forget'; readonly index: number }
  | { readonly id: number; readonly type: 'close' }

/**
 * Worker to page: `held` answers `open`, `bytes` answers `read`, nothing more the others. `gone`
 * answers nothing: the title was deleted and the worker has ended.
 */
export type OpfsResponse =
  | {
      readonly id: number
      readonly ok: true
      readonly held?: readonly number[]
      readonly bytes?: Uint8Array<ArrayBuffer>
    }
  | { readonly id: number; readonly ok: false; readonly message: string }
  | { readonly gone: true }
