// Parts of the player that are loaded only when they are needed. By then the network may be away for
// a moment, or the server restarting: neither must end sharing for as long as the page lives.
import { pause, retryDelay } from '../playback/retry.ts'

/** Half a minute at most; after that it is likely that the server has another version of them. */
const MAX_ATTEMPTS = 9

/**
 * @param load called anew until it succeeds
 * @throws whatever the last attempt throws, or the reason of `signal`
 */
export async function loadPatiently<Loaded>(
  load: () => Promise<Loaded>,
  signal: AbortSignal,
): Promise<Loaded> {
  for (let failures = 1; ; failures += 1) {
    try {
      return await load()
    } catch (error) {
      if (failures === MAX_ATTEMPTS) throw error
    }
    await pause(retryDelay(failures, null, Date.now(), Math.random()), signal)
    signal.throwIfAborted()
  }
}
