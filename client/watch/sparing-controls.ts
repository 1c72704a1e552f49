// Controls that are faded out learn the time only now and then. Otherwise each of them is styled, laid
// out and drawn anew four times a second for nobody, which costs more than decoding a small film.
import type MediaController from 'media-chrome/dist/media-controller.js'

/** How old the time may be that hidden controls tell to those who read them otherwise. */
const HIDDEN_INTERVAL_MS = 5000
/** Fading takes less; until then the time range animates itself, unless it is told. */
const FADE_MS = 1000

type Store = MediaController['mediaStore']
type State = ReturnType<Store['getState']>

/** Call it once, when the controller is in the page. */
export function spareHiddenControls(controller: MediaController): void {
  const store = controller.mediaStore
  controller.mediaStore = {
    ...store,
    subscribe(tell) {
      let told: { readonly state: State; readonly at: number } | null = null
      let hiddenSince: number | null = null
      const pass = (state: State): void => {
        const now = performance.now()
        const isHidden = controller.hasAttribute('userinactive') && !state.mediaPaused
        hiddenSince = isHidden ? (hiddenSince ?? now) : null
        const isFaded = hiddenSince !== null && now - hiddenSince >= FADE_MS
        if (told !== null && isFaded && now - told.at < HIDDEN_INTERVAL_MS) {
          const { mediaCurrentTime, mediaBuffered } = told.state
          tell({ ...state, mediaCurrentTime, mediaBuffered })
          return
        }
        told = { state, at: now }
        tell(state)
      }
      const look = (): void => pass(store.getState())
      controller.addEventListener('userinactivechange', look)
      const unsubscribe = store.subscribe(pass)
      return () => {
        controller.removeEventListener('userinactivechange', look)
        unsubscribe()
      }
    },
  }
}
