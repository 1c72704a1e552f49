// The parts of media-chrome that the player uses, one by one: the whole package is three times as
// large. Importing this file defines the elements.
import 'media-chrome/dist/media-control-bar.js'
import 'media-chrome/dist/media-controller.js'
import 'media-chrome/dist/media-fullscreen-button.js'
import 'media-chrome/dist/media-loading-indicator.js'
import 'media-chrome/dist/media-mute-button.js'
import 'media-chrome/dist/media-pip-button.js'
import 'media-chrome/dist/media-play-button.js'
import 'media-chrome/dist/media-playback-rate-button.js'
import 'media-chrome/dist/media-time-display.js'
import 'media-chrome/dist/media-time-range.js'
import 'media-chrome/dist/media-volume-range.js'
import 'media-chrome/dist/menu/media-captions-menu.js'
import 'media-chrome/dist/menu/media-captions-menu-button.js'
import 'media-chrome/dist/menu/media-chrome-menu-item.js'
import type MediaController from 'media-chrome/dist/media-controller.js'
import type { HTMLAttributes, Ref } from 'react'

interface ElementProps<Kind extends HTMLElement = HTMLElement> extends HTMLAttributes<Kind> {
  // React 19 sets `class` on custom elements as it is.
  readonly class?: string
  readonly ref?: Ref<Kind>
}

declare module 'react' {
  namespace JSX {
    interface IntrinsicElements {
      'media-controller': ElementProps<MediaController> & {
        readonly autohide?: string
        readonly nohotkeys?: boolean
        readonly novolumepref?: boolean
        readonly nomutedpref?: boolean
        readonly gesturesdisabled?: boolean | undefined
      }
      'media-control-bar': ElementProps
      'media-play-button': ElementProps
      'media-mute-button': ElementProps
      'media-volume-range': ElementProps
      'media-time-range': ElementProps
      'media-time-display': ElementProps & { readonly showduration?: boolean }
      'media-playback-rate-button': ElementProps & { readonly rates?: string }
      'media-pip-button': ElementProps
      'media-captions-menu': ElementProps & { readonly anchor?: string; readonly hidden?: boolean }
      'media-captions-menu-button': ElementProps
      'media-fullscreen-button': ElementProps
      'media-loading-indicator': ElementProps & { readonly noautohide?: boolean }
    }
  }
}
