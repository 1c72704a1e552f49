import { describe, expect, it } from 'vitest'
import { ConfigError, parseConfig } from './config.ts'

function problemsOf(environment: Record<string, string>): readonly string[] {
  try {
    parseConfig(environment)
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
  return []
}

describe('parseConfig', () => {
  it('has a default for everything', () => {
    const config = parseConfig({})
    expect(config).toMatchObject({ port: 8080, host: '127.0.0.1', publicUrl: null, admin: null })
    expect(config.dataDir).toMatch(/\/data$/)
    expect(config.iceServers).toEqual([])
    expect(config.p2pDefault).toBe('ask')
  })

  it.each(['ask', 'on', 'off'])('takes %s as P2P_DEFAULT', (value) => {
    expect(parseConfig({ P2P_DEFAULT: value }).p2pDefault).toBe(value)
  })

  it('names every wrong variable with one line each', () => {
    const problems = problemsOf({
      PORT: '80a',
      PUBLIC_URL: 'media.example.org',
      MAX_UPLOAD_BYTES: '0',
      LOG_LEVEL: 'loud',
      ICE_SERVERS: '{not json',
      TRUST_PROXY: 'perhaps',
      P2P_DEFAULT: 'maybe',
      BUILD_DELAY_MS: '-1',
      ADMIN_EMAIL: 'nobody',
    })
    const variables = ['PORT', 'PUBLIC_URL', 'MAX_UPLOAD_BYTES', 'LOG_LEVEL', 'ICE_SERVERS']
    for (const name of [...variables, 'TRUST_PROXY', 'P2P_DEFAULT', 'BUILD_DELAY_MS']) {
      expect(problems.filter((line) => line.startsWith(`${name} `))).toHaveLength(1)
    }
    expect(problems.every((line) => !line.includes('\n'))).toBe(true)
  })

  it('wants address and password of the first account together, and never shows the password', () => {
    expect(problemsOf({ ADMIN_EMAIL: 'a@example.org' })).toEqual([
      'ADMIN_EMAIL and ADMIN_PASSWORD go together: set both or neither',
    ])
    const problems = problemsOf({ ADMIN_EMAIL: 'a@example.org', ADMIN_PASSWORD: 'hunter2' })
    expect(problems).toHaveLength(1)
    expect(problems[0]).not.toContain('hunter2')
  })

  it('takes ICE servers as JSON and refuses other shapes', () => {
    const iceServers = [{ urls: 'stun:stun.example.org:3478' }]
    expect(parseConfig({ ICE_SERVERS: JSON.stringify(iceServers) }).iceServers).toEqual(iceServers)
    expect(problemsOf({ ICE_SERVERS: '{"urls":"stun:x"}' })).toHaveLength(1)
    expect(problemsOf({ ICE_SERVERS: '[{"urls":"http://x"}]' })).toHaveLength(1)
  })

  it('takes TRUST_PROXY as Express does, and refuses what Express would stumble over', () => {
    const trust = (text: string) => parseConfig({ TRUST_PROXY: text }).trustProxy
    expect(trust('loopback, 10.0.0.0/8,fd00::/8')).toBe('loopback, 10.0.0.0/8,fd00::/8')
    expect([trust('true'), trust('false'), trust('2')]).toEqual([true, false, 2])
    for (const wrong of ['abc', '10.0.0.0/33', '1.2.3', 'loopback,', '-1']) {
      expect(problemsOf({ TRUST_PROXY: wrong }), wrong).toHaveLength(1)
    }
  })

  it('keeps origin and path of PUBLIC_URL without a slash at the end', () => {
    const kept = (text: string) => parseConfig({ PUBLIC_URL: text }).publicUrl
    expect(kept('https://Media.example.org/')).toBe('https://media.example.org')
    expect(kept('https://example.org:443/video/')).toBe('https://example.org/video')
    expect(kept('http://example.org:8080/a/b')).toBe('http://example.org:8080/a/b')
  })

  it.each([
    'https://example.org/?a=b',
    'https://example.org/video#x',
    'https://somebody@example.org/video',
    'https://example.org/media',
    'https://example.org/api/v1',
    'https://example.org/my%20video',
    'https://example.org//video',
  ])('refuses %s as PUBLIC_URL', (text) => {
    expect(problemsOf({ PUBLIC_URL: text })).toHaveLength(1)
  })

  it('takes an internal location of nginx as WEB_SEED_ACCEL', () => {
    const accel = (text: string) => parseConfig({ WEB_SEED_ACCEL: text }).webSeedAccel
    expect([accel(''), accel('/blobs'), accel('/a/blobs/')]).toEqual([null, '/blobs/', '/a/blobs/'])
    for (const wrong of ['blobs', '/', 'https://x/y', '/a b/', '/a\r\nX: y/']) {
      expect(problemsOf({ WEB_SEED_ACCEL: wrong }), wrong).toHaveLength(1)
    }
  })
})
