import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['{protocol,server,client,bench}/**/*.test.ts'],
    environment: 'node',
    setupFiles: ['e2e/unit-setup.ts'],
    testTimeout: 20_000,
  },
})
