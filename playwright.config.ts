import { defineConfig } from '@playwright/test'
import { CHROMIUM_FLAGS, findChromium } from './e2e/harness/chromium.ts'

export default defineConfig({
  testDir: 'e2e',
  testMatch: '*.e2e.ts',
  outputDir: 'test-results',
  workers: 2,
  retries: 0,
  timeout: 120_000,
  reporter: [['list']],
  use: {
    browserName: 'chromium',
    headless: true,
    trace: 'retain-on-failure',
    launchOptions: { executablePath: findChromium(), args: CHROMIUM_FLAGS },
  },
  projects: [
    // Playback to the byte and without a stall, alone on the machine; the others two at a time.
    { name: 'playback', testMatch: 'playback.e2e.ts', workers: 1 },
    { name: 'others', testIgnore: 'playback.e2e.ts', dependencies: ['playback'] },
  ],
})
