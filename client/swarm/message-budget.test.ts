import { expect, test } from 'vitest'
import { costOf, MessageBudget } from './message-budget.ts'
import { MESSAGE } from './wire-messages.ts'

/** @returns how many messages of a cost go through in a row */
function allowed(budget: MessageBudget, cost: number, now: number): number {
  let count = 0
  while (budget.spend(cost, now)) count += 1
  return count
}

test('thousands of announcements go through at once, and a thousand in each second after', () => {
  const budget = new MessageBudget(0)
  expect(allowed(budget, costOf(MESSAGE.have, undefined), 0)).toBe(4000)
  expect(budget.spend(1, 10)).toBe(true)
  expect(allowed(budget, 1, 1010)).toBeGreaterThan(990)
})

test('what is dear is sent less often', () => {
  const handshake = costOf(MESSAGE.extended, undefined)
  const intent = costOf(MESSAGE.extended, 'slipstream_intent')
  expect(allowed(new MessageBudget(0), handshake, 0)).toBe(40)
  expect(allowed(new MessageBudget(0), intent, 0)).toBe(400)
  expect(costOf(MESSAGE.extended, 'lt_donthave')).toBe(1)
})

test('a piece that was taken back may be announced again, but not all the time', () => {
  const budget = new MessageBudget(0)
  expect(budget.costOfHave(7)).toBe(1)
  let turns = 0
  for (let isPaid = true; isPaid; turns += 1) {
    budget.takenBack(7)
    isPaid = budget.spend(1 + budget.costOfHave(7), 0)
  }
  expect(turns).toBeLessThan(200)
  expect(budget.costOfHave(7)).toBe(1) // it was paid for
})

test('blocks cost nothing, nor do requests that are answered', () => {
  const budget = new MessageBudget(0)
  for (let i = 0; i < 10_000; i += 1) {
    expect(budget.spend(costOf(MESSAGE.piece, undefined), 0)).toBe(true)
    expect(budget.spend(costOf(MESSAGE.request, undefined), 0)).toBe(true)
    budget.giveBack(1)
  }
})
