// Where files are dropped or chosen, and what becomes of them.
import { Alert, Button, FileButton, Group, Text, Title } from '@mantine/core'
import { Dropzone } from '@mantine/dropzone'
import { IconCloudUpload, IconDownload, IconX } from '@tabler/icons-react'
import { useEffect, useState } from 'react'
import { useSearchParams } from 'react-router'
import { getBoot } from '../app/boot.ts'
import { formatBytes } from '../app/format.ts'
import { messageOf } from '../remote/request.ts'
import { fetchSampleClip } from './sample-clip.ts'
import { UploadRow } from './UploadRow.tsx'
import type { UnfinishedUpload } from './upload-queue.ts'
import type { Uploads } from './use-uploads.ts'

/** A hint for the file dialog; the server looks at the bytes. */
const ACCEPT = 'video/*,audio/*,.mkv'

export function UploadPanel({ uploads }: { readonly uploads: Uploads }) {
  const { queue } = uploads
  const sampleFault = useSampleClip(uploads)
  return (
    <section aria-labelledby="uploads-heading">
      <Title order={2} size="h4" mb="sm" id="uploads-heading">
        Upload
      </Title>
      <Dropzone
        className="upload-zone"
        onDrop={(files) => queue.add(files)}
        activateOnClick={false}
        activateOnKeyboard={false}
        enablePointerEvents
        inputProps={{ 'aria-label': 'Files to upload' }}
      >
        <Group justify="center" gap="lg" className="upload-zone-inner">
          <Dropzone.Accept>
            <IconDownload size={40} stroke={1.3} aria-hidden />
          </Dropzone.Accept>
          <Dropzone.Reject>
            <IconX size={40} stroke={1.3} aria-hidden />
          </Dropzone.Reject>
          <Dropzone.Idle>
            <IconCloudUpload size={40} stroke={1.3} aria-hidden />
          </Dropzone.Idle>
          <div>
            <Text fw={550}>Drop video or audio files here</Text>
            <Text size="sm" c="dimmed">
              Up to {formatBytes(getBoot().settings.maxUploadBytes)} each. They can be played the
              moment they have arrived.
            </Text>
          </div>
          <FileButton multiple accept={ACCEPT} onChange={(files) => queue.add(files)}>
            {(props) => <Button {...props}>Choose files</Button>}
          </FileButton>
        </Group>
      </Dropzone>
      {sampleFault !== null && (
        <Alert color="red" mt="sm" role="alert" title="The sample clip could not be added">
          {sampleFault}
        </Alert>
      )}
      {uploads.uploads.length > 0 && (
        <ul className="plain-list upload-list" aria-label="Uploads">
          {uploads.uploads.map((upload) => (
            <UploadRow key={upload.id} upload={upload} queue={queue} />
          ))}
        </ul>
      )}
      {uploads.unfinished.length > 0 && (
        <>
          <Title order={3} size="h5" mt="lg" mb="xs">
            Unfinished uploads
          </Title>
          <ul className="plain-list upload-list" aria-label="Unfinished uploads">
            {uploads.unfinished.map((upload) => (
              <UnfinishedRow key={upload.key} upload={upload} uploads={uploads} />
            ))}
          </ul>
        </>
      )}
    </section>
  )
}

/** `/admin?sample` adds the clip that ships with the project. @returns what went wrong, or `null` */
function useSampleClip({ queue }: Uploads): string | null {
  const [parameters, setParameters] = useSearchParams()
  const [fault, setFault] = useState<string | null>(null)
  const wanted = parameters.has('sample')
  useEffect(() => {
    if (!wanted) return
    // Taken out of the address first, so that a reload does not add it again.
    setParameters({}, { replace: true })
    setFault(null)
    fetchSampleClip().then(
      (file) => queue.add([file]),
      (error) => setFault(messageOf(error)),
    )
  }, [wanted, queue, setParameters])
  return fault
}

interface UnfinishedRowProps {
  readonly upload: UnfinishedUpload
  readonly uploads: Uploads
}

function UnfinishedRow({ upload, uploads: { queue } }: UnfinishedRowProps) {
  const [fault, setFault] = useState<string | null>(null)
  const choose = async (file: File | null) => {
    if (file !== null) setFault(await queue.continueWith(upload.key, file))
  }
  return (
    <li className="card upload-row">
      <div className="upload-head">
        <div className="upload-name">
          <Text fw={550} truncate>
            {upload.name}
          </Text>
          <Text size="sm" c="dimmed">
            {upload.size !== null && `${formatBytes(upload.size)} · `}
            Choose the file again to continue.
          </Text>
        </div>
        <Group gap="xs">
          <FileButton accept={ACCEPT} onChange={choose}>
            {(props) => (
              <Button {...props} size="xs" aria-label={`Choose ${upload.name} again`}>
                Choose the file
              </Button>
            )}
          </FileButton>
          <Button
            size="xs"
            variant="default"
            aria-label={`Discard the upload of ${upload.name}`}
            onClick={() => void queue.discard(upload.key)}
          >
            Discard
          </Button>
        </Group>
      </div>
      {fault !== null && (
        <Text size="sm" className="upload-fault" role="alert">
          {fault}
        </Text>
      )}
    </li>
  )
}
