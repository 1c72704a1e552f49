import { expect, test } from 'vitest'
import { isAddress, mayReach } from './address-guard.ts'

const never = [
  '0.0.0.0',
  '0.1.2.3',
  '100.64.0.1',
  '169.254.169.254',
  '192.0.0.1',
  '192.0.2.1',
  '192.88.99.1',
  '198.18.0.1',
  '198.51.100.1',
  '203.0.113.1',
  '224.0.0.1',
  '240.0.0.1',
  '255.255.255.255',
  '::',
  '::127.0.0.1',
  '::7f00:1',
  '::ffff:127.0.0.1',
  '::ffff:7f00:1',
  '::ffff:93.184.215.14',
  '::ffff:0:127.0.0.1',
  '64:ff9b::7f00:1',
  '64:ff9b:1::a00:1',
  '100::1',
  '2001::1',
  '2001:0:7f00:1::1',
  '2001:db8::1',
  '2002:7f00:1::',
  '2002:a00:1::1',
  '3fff::1',
  '2a00:1450::5efe:a00:1',
  '2a00:1450::200:5efe:a00:1',
  '4000::1',
  'fe80::1',
  'fe80::1%eth0',
  'fec0::1',
  'ff02::1',
  '[::ffff:127.0.0.1]',
]
const inside = ['10.0.0.1', '127.0.0.1', '127.1.2.3', '172.16.0.1', '192.168.1.1', '::1', 'fd00::1']
const outside = ['93.184.215.14', '1.1.1.1', '2606:4700::1111', '[2a00:1450:4001::200e]']

test.each(never)('%s is never reached', (address) => {
  expect(mayReach(address, false)).toBe(false)
  expect(mayReach(address, true)).toBe(false)
})

test.each(inside)('%s is reached only where private addresses are allowed', (address) => {
  expect(mayReach(address, false)).toBe(false)
  expect(mayReach(address, true)).toBe(true)
})

test.each(outside)('%s is reached', (address) => {
  expect(mayReach(address, false)).toBe(true)
})

test.each(['', 'localhost', '127.1', '0x7f.1', '2130706433', 'cdn.example.org'])(
  '%j is no address and is not reached as one',
  (text) => expect(mayReach(text, true)).toBe(false),
)

test.each([
  ['http://2130706433/', true],
  ['http://0177.0.0.1/', true],
  ['http://0x7f000001/', true],
  ['http://127.1/', true],
  ['http://①②⑦.0.0.1/', true],
  ['http://[::ffff:127.0.0.1]/', true],
  ['http://localhost/', false],
  ['http://127.0.0.1.example.org/', false],
])('the host of %s is told from a name', (url, expected) => {
  const { hostname } = new URL(url)
  expect(isAddress(hostname)).toBe(expected)
  if (expected) expect(mayReach(hostname, false)).toBe(false)
})
