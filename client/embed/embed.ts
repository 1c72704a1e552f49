// `/embed.js`, a module for pages of any site: defines <slipstream-player>. Loaded twice, or beside
// another server's, the first one counts. Where there is no DOM (server-side rendering) it does nothing.
import { SlipstreamPlayer } from './player-element.ts'

if (typeof customElements !== 'undefined' && !customElements.get('slipstream-player')) {
  customElements.define('slipstream-player', SlipstreamPlayer)
}
