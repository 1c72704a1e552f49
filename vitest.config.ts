import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['{protocol,server,client,bench}/**/*.test.ts'],
    environment: 'node',
    setupFiles: ['e2e/unit-setup.ts'],
    testTimeout: 20_000,
    // Most tests wait for something; Vitest would leave one of the cores free, of two that is half.
    maxWorkers: '100%',
  },
})
