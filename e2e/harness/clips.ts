// Clips for tests and benchmarks, made by ffmpeg on first use and kept in node_modules/.cache.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'

const FOLDER = join(import.meta.dirname, '../../node_modules/.cache/slipstream-clips')

/** Width and height in pixels. */
export const DEFAULT_SIZE = '640x360'

export interface ClipRecipe {
  readonly seconds: number
  /** VP9 and Opus in WebM plays everywhere; H.264 and AAC in MP4 where the browser has them. */
  readonly format: 'webm' | 'mp4' | 'mp4-moov-last' | 'mp3'
  /** Megabits per second; noise makes the coder use them. */
  readonly mbps: number
  /** Width and height in pixels, `DEFAULT_SIZE` when left out. */
  readonly size?: `${number}x${number}`
}

/** @returns path of the clip */
export function clip({ seconds, format, mbps, size }: ClipRecipe): string {
  const extension = format === 'mp4-moov-last' ? 'mp4' : format
  const name = [format, `${seconds}s`, `${mbps}mbps`, ...(size ? [size] : [])].join('-')
  const path = join(FOLDER, `${name}.${extension}`)
  if (existsSync(path) && statSync(path).size > 0) return path
  mkdirSync(FOLDER, { recursive: true })
  const rate = ['-b:v', `${mbps}M`, '-minrate', `${mbps}M`, '-maxrate', `${mbps}M`]
  const h264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', ...rate]
  const mp4 = [...h264, '-bufsize', `${mbps}M`, '-c:a', 'aac']
  const coding = {
    // No slices: their decoders wait for each other, and playback on a busy machine for them.
    webm: ['-c:v', 'libvpx', '-deadline', 'realtime', '-cpu-used', '8', ...rate, '-c:a', 'libopus'],
    mp4: [...mp4, '-movflags', '+faststart'],
    'mp4-moov-last': mp4,
    mp3: ['-vn', '-c:a', 'libmp3lame', '-b:a', '192k'],
  }[format]
  const unfinished = `${path}.${process.pid}.${extension}`
  const run = spawnSync(
    'ffmpeg',
    [
      '-v',
      'error',
      '-y',
      '-f',
      'lavfi',
      '-i',
      `testsrc2=size=${size ?? DEFAULT_SIZE}:rate=24,noise=alls=60:allf=t`,
      '-f',
      'lavfi',
      '-i',
      'sine=frequency=330:sample_rate=48000',
      '-t',
      String(seconds),
      '-g',
      '48',
      '-threads',
      '2',
      ...coding,
      unfinished,
    ],
    { encoding: 'utf8' },
  )
  if (run.status !== 0) {
    throw new Error(`ffmpeg could not make a clip: ${run.error?.message ?? run.stderr}`)
  }
  renameSync(unfinished, path)
  return path
}
