// The build thread: asks sources and hashes what they send, a stream of a build each, in the order of
// its commands. Owned and ended by `BuildThread`, which decides what is asked of whom.
import { parentPort, workerData } from 'node:worker_threads'
import { threadGivesWay } from '../jobs/give-way.ts'
import type { ToldOptions } from './build-thread.ts'
import {
  type Command,
  type FetchCommand,
  type Outcome,
  outcomeOf,
  type Question,
  type Reply,
  resultOf,
} from './build-thread-messages.ts'
import { HttpSourceClient } from './http-source-client.ts'
import { StreamHashes } from './stream-hashes.ts'
import { ThreadRequest } from './thread-request.ts'

threadGivesWay()

const client = new HttpSourceClient({
  ...(workerData as ToldOptions),
  policy: { assertAllowed: (url) => ask('assertAllowed', url.href) },
  lookup: (hostname) => ask('lookup', hostname),
})
const streams = new Map<number, StreamHashes>()
const requests = new Map<number, ThreadRequest>()
const questions = new Map<number, (outcome: Outcome<unknown>) => void>()
let lastQuestion = 0

function reply(message: Reply, moved: readonly ArrayBuffer[] = []): void {
  parentPort?.postMessage(message, moved)
}

async function ask<T>(what: Question, about: string): Promise<T> {
  const question = ++lastQuestion
  const answered = new Promise<Outcome<unknown>>((resolve) => questions.set(question, resolve))
  reply({ kind: 'ask', question, what, about })
  const outcome = await answered
  questions.delete(question)
  return resultOf(outcome as Outcome<T>)
}

async function fetchPortion(command: FetchCommand): Promise<number> {
  if (command.kind === 'read') {
    const { request, url, start, end, known } = command
    const made = new ThreadRequest()
    requests.set(request, made)
    await made.begin(client, new URL(url), { start, end, known })
    return 0
  }
  const request = requests.get(command.request)
  if (request === undefined) throw new Error('the request has ended')
  return request.next()
}

function hash(stream: number, parts: Iterable<Uint8Array>): void {
  const hashes = streams.get(stream)?.take(parts)
  if (hashes && hashes.length > 0) reply({ kind: 'hashed', stream, hashes })
}

parentPort?.on('message', (command: Command) => {
  switch (command.kind) {
    case 'open':
      streams.set(command.stream, new StreamHashes(command.layout, command.firstPiece))
      break
    case 'bytes': {
      const { stream, block, length } = command
      hash(stream, [block.subarray(0, length)])
      reply({ kind: 'free', stream, block }, [block.buffer])
      break
    }
    case 'take': {
      const { stream, request, from, to } = command
      const parts = [...(requests.get(request)?.part(from, to) ?? [])]
      const isThere = parts.reduce((bytes, { length }) => bytes + length, 0) === to - from
      if (isThere) hash(stream, parts)
      else reply({ kind: 'lost', stream })
      break
    }
    case 'close':
      streams.delete(command.stream)
      break
    case 'stop':
      requests.get(command.request)?.stop()
      requests.delete(command.request)
      break
    case 'answer':
      questions.get(command.question)?.(command.outcome)
      break
    default: {
      const { request } = command
      void outcomeOf(() => fetchPortion(command)).then((outcome) =>
        reply({ kind: 'portion', request, outcome }),
      )
    }
  }
})
