// Boot data: what the server wrote into the page. Read once, at the start; the page asks the
// server for nothing before it has them.
import * as v from 'valibot'
import { BOOT_ELEMENT_ID, type Boot, bootSchema } from '#protocol/boot.ts'

let boot: Boot | null = null

/**
 * Reads the boot data out of the document.
 * @throws Error with a sentence for the viewer when they are missing or malformed
 */
export function readBoot(): Boot {
  const element = document.getElementById(BOOT_ELEMENT_ID)
  if (element === null) {
    throw new Error('This page came without its settings. Open it through the Slipstream server.')
  }
  const result = v.safeParse(v.pipe(v.string(), v.parseJson(), bootSchema), element.textContent)
  if (!result.success) {
    throw new Error('This page and the server are of different versions. Reload the page.')
  }
  boot = result.output
  return boot
}

/**
 * @returns the boot data that `readBoot` read
 * @throws Error when it was not called
 */
export function getBoot(): Boot {
  if (boot === null) throw new Error('readBoot() comes first')
  return boot
}

/** @returns the operator's ICE servers in the form that `RTCPeerConnection` takes. */
export function iceServersOf({ settings }: Boot): RTCIceServer[] {
  return settings.iceServers.map(({ urls, username, credential }) => ({
    urls,
    ...(username === undefined ? {} : { username }),
    ...(credential === undefined ? {} : { credential }),
  }))
}
