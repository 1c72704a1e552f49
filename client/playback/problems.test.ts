import { describe, expect, test } from 'vitest'
import { DELETED, presentedProblem, problemOfOrigin, type Trouble } from './problems.ts'

const none: Trouble = {
  ending: null,
  origin: null,
  codec: null,
  isCarriedOver: false,
  hasPeers: false,
  playsOn: false,
}
const trouble = (kind: 'deleted' | 'changed' | 'network') =>
  problemOfOrigin({ kind, message: 'as the log has it' })
const told = (changes: Partial<Trouble>) => presentedProblem({ ...none, ...changes })

describe('a viewer', () => {
  test.each(['changed', 'network'] as const)(
    'is not told "%s" as long as what is held plays',
    (kind) => {
      expect(told({ origin: trouble(kind), isCarriedOver: true, playsOn: true })).toBeNull()
      expect(told({ origin: trouble(kind) })?.code).toBe(kind)
    },
  )

  test('is offered the new version where the file has changed at its source', () => {
    expect(told({ origin: trouble('changed') })).toMatchObject({
      message: 'The file changed at its source. Reload to watch the new version.',
      retryable: true,
      playsOn: false,
    })
  })

  test('still sees the picture where peers may bring the old version', () => {
    expect(told({ origin: trouble('changed'), hasPeers: true })?.playsOn).toBe(true)
  })

  test('is told at once that a title was deleted, and that what has been loaded plays on', () => {
    for (const deleted of [{ ending: DELETED }, { origin: trouble('deleted') }]) {
      expect(told(deleted)?.playsOn).toBe(false)
      expect(told({ ...deleted, isCarriedOver: true, playsOn: true })).toMatchObject({
        code: 'deleted',
        playsOn: true,
      })
    }
  })

  test('is told of a deletion before a change, and of either before what the browser lacks', () => {
    const codec = { code: 'unsupported', message: '', retryable: false, playsOn: true } as const
    expect(told({ ending: DELETED, origin: trouble('changed') })?.code).toBe('deleted')
    expect(told({ origin: trouble('changed'), codec })?.code).toBe('changed')
    expect(told({ codec })).toBe(codec)
  })
})
