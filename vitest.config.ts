import { defineConfig } from 'vitest/config'

const conditions = ['@gatewright/source']
const source = {
  resolve: { conditions },
  ssr: {
    resolve: { conditions: [...conditions, 'node'], externalConditions: [...conditions, 'node'] },
    noExternal: [/^@gatewright\//],
  },
}

/** For a machine that stands still for seconds: what has to be quick is measured in `bench/`. */
const patience = { testTimeout: 60_000, hookTimeout: 120_000, expect: { poll: { timeout: 10_000 } } }

export default defineConfig({
  test: {
    // Many tests wait for servers and processes that they started: one worker for all but one core leaves half idle.
    maxWorkers: 2,
    projects: [
      { ...source, test: { ...patience, name: 'runtime', include: ['packages/runtime/src/**/*.test.ts'] } },
      {
        ...source,
        test: { ...patience, name: 'retriever', include: ['packages/retriever/src/**/*.test.ts'] },
      },
      { ...source, test: { ...patience, name: 'adapters', include: ['packages/adapters/src/**/*.test.ts'] } },
      { ...source, test: { ...patience, name: 'cli', include: ['packages/cli/src/**/*.test.ts'] } },
      {
        ...source,
        test: {
          ...patience,
          name: 'examples',
          include: ['examples/*/src/**/*.test.ts', 'bench/**/*.test.ts'],
        },
      },
      { ...source, test: { ...patience, name: 'whole', include: ['test/**/*.test.ts'] } },
    ],
  },
})
