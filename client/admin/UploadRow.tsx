// One upload: name, progress, and what can be done about it.
import { ActionIcon, Button, Group, Progress, Text } from '@mantine/core'
import { type Icon, IconPlayerPause, IconPlayerPlay, IconRefresh, IconX } from '@tabler/icons-react'
import { Link } from 'react-router'
import { formatBytes, formatPercent, formatTimeLeft } from '../app/format.ts'
import type { UploadQueue, UploadView } from './upload-queue.ts'

interface UploadRowProps {
  readonly upload: UploadView
  readonly queue: UploadQueue
}

export function UploadRow({ upload, queue }: UploadRowProps) {
  const { state, name, bytesSent, size } = upload
  const share = size > 0 ? bytesSent / size : 0
  const over = state.name === 'done' || (state.name === 'failed' && !state.retryable)
  return (
    <li className="card upload-row">
      <div className="upload-head">
        <div className="upload-name">
          <Text fw={550} truncate>
            {name}
          </Text>
          <Text size="sm" className={state.name === 'failed' ? 'upload-fault' : 'upload-words'}>
            {wordsFor(upload)}
          </Text>
          {/* Read out: only what changes rarely. */}
          <span role="status" className="visually-hidden">
            {name}: {announcementFor(upload)}
          </span>
        </div>
        <Group gap={4} wrap="nowrap">
          <Actions upload={upload} queue={queue} />
        </Group>
      </div>
      {!over && (
        <Progress
          value={share * 100}
          aria-label={`Progress of ${name}`}
          color={colorFor(state.name)}
          animated={state.name === 'uploading' && share === 1}
        />
      )}
    </li>
  )
}

function Actions({ upload: { id, name, state }, queue }: UploadRowProps) {
  const running = state.name === 'uploading' || state.name === 'retrying'
  const over = state.name === 'done' || (state.name === 'failed' && !state.retryable)
  return (
    <>
      {state.name === 'done' && state.mediaId !== null && (
        <Button component={Link} to={`/watch/${state.mediaId}`} size="xs">
          Watch
        </Button>
      )}
      {(running || state.name === 'waiting') && (
        <Action
          title="Pause"
          label={`Pause ${name}`}
          icon={IconPlayerPause}
          onPress={() => queue.pause(id)}
        />
      )}
      {state.name === 'paused' && (
        <Action
          title="Resume"
          label={`Resume ${name}`}
          icon={IconPlayerPlay}
          onPress={() => queue.resume(id)}
        />
      )}
      {state.name === 'failed' && state.retryable && (
        <Action
          title="Retry"
          label={`Retry ${name}`}
          icon={IconRefresh}
          onPress={() => queue.resume(id)}
        />
      )}
      <Action
        title={over ? 'Take off the list' : 'Cancel'}
        label={over ? `Take ${name} off the list` : `Cancel ${name}`}
        icon={IconX}
        onPress={() => void queue.remove(id)}
      />
    </>
  )
}

interface ActionProps {
  readonly title: string
  /** What is read out: it names the upload as well. */
  readonly label: string
  readonly icon: Icon
  readonly onPress: () => void
}

function Action({ title, label, icon: Picture, onPress }: ActionProps) {
  return (
    <ActionIcon
      variant="subtle"
      color="gray"
      size="lg"
      aria-label={label}
      title={title}
      onClick={onPress}
    >
      <Picture size={18} />
    </ActionIcon>
  )
}

function wordsFor({ state, bytesSent, size }: UploadView): string {
  const sent = `${formatBytes(bytesSent)} of ${formatBytes(size)}`
  switch (state.name) {
    case 'waiting':
      return `${formatBytes(size)} · waiting for its turn`
    case 'paused':
      return `${sent} · paused`
    case 'uploading': {
      if (bytesSent === size) return `${formatBytes(size)} · the server looks at the file…`
      const parts = [`${sent} (${formatPercent(bytesSent / size)})`]
      if (state.bytesPerSecond !== null) parts.push(`${formatBytes(state.bytesPerSecond)}/s`)
      if (state.secondsLeft !== null) parts.push(`${formatTimeLeft(state.secondsLeft)} left`)
      return parts.join(' · ')
    }
    case 'retrying':
      return `${sent} · ${state.message}`
    case 'failed':
      return state.message
    case 'done':
      return `${formatBytes(size)} · uploaded, ready to be watched`
  }
}

function announcementFor({ state, bytesSent, size }: UploadView): string {
  switch (state.name) {
    case 'uploading':
      // By quarters.
      return `uploading, ${Math.floor((bytesSent / size) * 4) * 25} percent`
    case 'retrying':
    case 'failed':
      return state.message
    case 'done':
      return 'uploaded'
    default:
      return state.name
  }
}

function colorFor(state: UploadView['state']['name']): string {
  if (state === 'failed') return 'red'
  return state === 'retrying' || state === 'paused' ? 'yellow' : 'stream'
}
