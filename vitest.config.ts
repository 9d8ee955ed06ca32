import { createRequire } from 'node:module'
import { defineConfig } from 'vitest/config'

const { resolve } = createRequire(import.meta.url)

/** These start at once; all others wait for a server and its template database. */
const withoutDatabase = [
  'test/rules/**/*.test.ts',
  'test/egress/**/*.test.ts',
  'test/client-package.test.ts',
  'test/config.test.ts',
  'test/embedded-postgres.test.ts',
  'test/limits.test.ts',
  'test/seal.test.ts',
  'test/tidy.test.ts',
]

export default defineConfig({
  // As Node resolves it, not vite: loaded twice, as both kinds of module, graphql refuses itself.
  resolve: { alias: [{ find: /^graphql$/, replacement: resolve('graphql') }] },
  test: {
    // Files at a time. Each waits on PostgreSQL more than it computes: more than there are cores,
    // but not so many that timing tests on two cores starve each other.
    maxWorkers: 3,
    testTimeout: 20_000,
    hookTimeout: 60_000,
    projects: [
      { extends: true, test: { name: 'no database', include: withoutDatabase } },
      {
        extends: true,
        test: {
          name: 'database',
          include: ['test/**/*.test.ts'],
          exclude: withoutDatabase,
          globalSetup: 'test/support/global-setup.ts',
        },
      },
    ],
  },
})
