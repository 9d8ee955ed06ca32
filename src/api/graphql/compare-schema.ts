import { copyFileSync, readFileSync } from 'node:fs'
import { argv, exit, stderr } from 'node:process'
import { buildSchema } from 'graphql'
import { schema } from './schema.ts'
import { brokenPromises, undatedDeprecations } from './schema-promises.ts'

// Compares the schema with the last release's, so that nobody breaks clients without meaning to.
// With --release it is the new one to compare with: `npm run schema:release`, when releasing.
const released = new URL('../../../schema.released.graphql', import.meta.url)

if (argv.includes('--release')) {
  copyFileSync(new URL('../../../schema.graphql', import.meta.url), released)
} else {
  const breaks = brokenPromises(buildSchema(readFileSync(released, 'utf8')), schema)
  const undated = undatedDeprecations(schema)
  for (const change of breaks) stderr.write(`This breaks clients of the last release: ${change}\n`)
  for (const path of undated) {
    stderr.write(`${path} is deprecated: its reason must say until when it stays, as 2027-03-01.\n`)
  }
  if (breaks.length > 0) {
    stderr.write('Keep the old one and deprecate it, or, if it is meant: npm run schema:release.\n')
  }
  if (breaks.length + undated.length > 0) exit(1)
}
