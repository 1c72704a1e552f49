// One core, one hash over the whole file: the speed of SHA-1 on this machine. Start of the program
// included (some milliseconds).
import { runProgram } from '../programs.ts'
import type { HashingContender } from './contender.ts'

export const openssl: HashingContender = {
  name: 'openssl dgst -sha1',
  hash: (path) => runProgram('openssl', ['dgst', '-sha1', path]).then(({ seconds }) => seconds),
}
