// Controls that have faded out learn the time only now and then. Otherwise each of them is styled, laid
// out and drawn anew four times a second for nobody, which costs more than decoding a small film.
import type MediaController from 'media-chrome/dist/media-controller.js'

/** How old the time may be that hidden controls tell to those who read them by other means. */
const HIDDEN_INTERVAL_MS = 5000
/** Fading takes a second. What is told after it ends the time range's own animation. */
const FADE_MS = 1500

type Store = MediaController['mediaStore']
type State = ReturnType<Store['getState']>
/** In a state that does not have them yet, they are not there or not defined. */
interface Times {
  readonly mediaCurrentTime?: number | undefined
  readonly mediaBuffered?: [number, number][] | undefined
}

/** Call it once, when the controller is in the page. */
export function spareHiddenControls(controller: MediaController): void {
  const store = controller.mediaStore
  controller.mediaStore = {
    ...store,
    subscribe(tell) {
      const times = new SparedTimes<State>()
      const pass = (state: State): void => {
        // As media-chrome's own style has it.
        const isShown = state.mediaPaused || state.mediaIsAirplaying || state.mediaIsCasting
        const isHidden = controller.hasAttribute('userinactive') && !isShown
        tell(times.told(state, isHidden, performance.now()))
      }
      const look = (): void => pass(store.getState())
      // A key moves the time range from where that stands, and only then the controls are shown.
      const catchUp = (): void => {
        times.forget()
        look()
      }
      controller.addEventListener('userinactivechange', look)
      controller.addEventListener('keydown', catchUp, { capture: true })
      const unsubscribe = store.subscribe(pass)
      return () => {
        controller.removeEventListener('userinactivechange', look)
        controller.removeEventListener('keydown', catchUp, { capture: true })
        unsubscribe()
      }
    },
  }
}

export class SparedTimes<S extends Times> {
  #told: { readonly times: Times; readonly at: number } | null = null
  #hiddenSince: number | null = null

  /**
   * @param now a steady clock in milliseconds
   * @returns what to tell the controls: the state, perhaps with the times that they know
   */
  told(state: S, isHidden: boolean, now: number): S {
    this.#hiddenSince = isHidden ? (this.#hiddenSince ?? now) : null
    const hasFaded = this.#hiddenSince !== null && now - this.#hiddenSince >= FADE_MS
    const wasTold = this.#told !== null && this.#told.at >= (this.#hiddenSince ?? now) + FADE_MS
    if (this.#told && hasFaded && wasTold && now - this.#told.at < HIDDEN_INTERVAL_MS) {
      return { ...state, ...this.#told.times }
    }
    const { mediaCurrentTime, mediaBuffered } = state
    this.#told = { times: { mediaCurrentTime, mediaBuffered }, at: now }
    return state
  }

  /** The present times are told next. */
  forget(): void {
    this.#told = null
  }
}
