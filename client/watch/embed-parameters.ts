// What the address of an embed page asks for, beside its title: `autoplay`, `muted`, `loop`,
// `controls=0`, `t` (seconds to start at), `poster` (an http(s) URL). Others may have written it: what
// is wrong counts as not said.

export interface EmbedParameters {
  readonly autoplay: boolean
  readonly muted: boolean
  readonly loop: boolean
  /** The player's own controls. */
  readonly controls: boolean
  /** Seconds, or `null`: where this viewer left the title. */
  readonly startAt: number | null
  readonly poster: string | null
}

/** A page of ours, and a frame whose address says nothing. */
export const USUAL_PARAMETERS: EmbedParameters = {
  autoplay: false,
  muted: false,
  loop: false,
  controls: true,
  startAt: null,
  poster: null,
}

/** @param query of the address, with or without its question mark */
export function embedParameters(query: string): EmbedParameters {
  const all = new URLSearchParams(query)
  const isOff = (name: string): boolean => ['0', 'false'].includes(all.get(name) ?? '')
  const isOn = (name: string): boolean => all.has(name) && !isOff(name)
  const startAt = all.get('t') ?? ''
  const poster = all.get('poster') ?? ''
  return {
    autoplay: isOn('autoplay'),
    muted: isOn('muted'),
    loop: isOn('loop'),
    controls: !isOff('controls'),
    startAt: /^\d{1,7}(\.\d+)?$/.test(startAt) ? Number(startAt) : null,
    poster: /^https?:/i.test(poster) && URL.canParse(poster) ? poster : null,
  }
}
