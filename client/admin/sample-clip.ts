import { ownPath } from '../remote/own-address.ts'

const SAMPLE_PATH = '/sample/slipstream-sample.webm'

/**
 * @returns the clip that ships with the project, as if it had been chosen from the disk
 * @throws Error with a sentence for the publisher when it does not arrive
 */
export async function fetchSampleClip(): Promise<File> {
  const response = await fetch(ownPath(SAMPLE_PATH))
  if (!response.ok) {
    throw new Error('This server came without its sample clip. Upload a file of your own.')
  }
  // A date that never changes lets an interrupted upload of it be resumed.
  return new File([await response.blob()], 'Slipstream sample.webm', {
    type: 'video/webm',
    lastModified: 0,
  })
}
