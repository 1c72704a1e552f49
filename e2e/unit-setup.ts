// A stray `console.error` or `console.warn` in code under test fails the test that caused it.
import { afterEach, expect, vi } from 'vitest'

const errors = vi.spyOn(console, 'error')
const warnings = vi.spyOn(console, 'warn')

afterEach(() => {
  const calls = [...errors.mock.calls, ...warnings.mock.calls]
  errors.mockClear()
  warnings.mockClear()
  expect(calls, 'console.error or console.warn was called').toEqual([])
})
