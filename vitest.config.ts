import { defineConfig } from 'vitest/config'

const conditions = ['@gatewright/source']
const source = {
  resolve: { conditions },
  ssr: {
    resolve: { conditions: [...conditions, 'node'], externalConditions: [...conditions, 'node'] },
    noExternal: [/^@gatewright\//],
  },
}

export default defineConfig({
  test: {
    // Many tests wait for servers and processes that they started: one worker for all but one core leaves half idle.
    maxWorkers: 2,
    projects: [
      { ...source, test: { name: 'runtime', include: ['packages/runtime/src/**/*.test.ts'] } },
      { ...source, test: { name: 'retriever', include: ['packages/retriever/src/**/*.test.ts'] } },
      { ...source, test: { name: 'adapters', include: ['packages/adapters/src/**/*.test.ts'] } },
      { ...source, test: { name: 'cli', include: ['packages/cli/src/**/*.test.ts'] } },
      {
        ...source,
        test: { name: 'examples', include: ['examples/*/src/**/*.test.ts', 'bench/**/*.test.ts'] },
      },
      { ...source, test: { name: 'whole', include: ['test/**/*.test.ts'], testTimeout: 20_000 } },
    ],
  },
})
