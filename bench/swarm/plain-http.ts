// `<video src>` with the file's URL: every viewer fetches a copy.
import { stat } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import type { SwarmContender } from './contender.ts'
import { startFileOrigin } from './file-origin.ts'

const page = (src: string) =>
  '<!doctype html><html lang="en"><meta charset="utf-8"><title>Plain</title>' +
  `<video autoplay muted playsinline controls src="${src}"></video></html>`

export const plainHttp: SwarmContender = {
  name: 'plain',
  title: 'plain HTTP',
  async offer({ path, uplink }) {
    const origin = await startFileOrigin({ folder: dirname(path), uplink })
    origin.put('/', 'html', page(`/media/${basename(path)}`))
    return {
      url: `${origin.url}/`,
      size: (await stat(path)).size,
      sentBytes: origin.sentBytes,
      close: origin.close,
    }
  },
}
