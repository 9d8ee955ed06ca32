import { readFileSync, writeFileSync } from 'node:fs'
import { argv, exit, stderr } from 'node:process'
import { lexicographicSortSchema, printSchema } from 'graphql'
import { schema } from './schema.ts'

// Prints the schema for clients to read and generate code from: `npm run schema`. With --check it
// only compares, so that nobody changes the public API without seeing it in the diff.
const file = new URL('../../../schema.graphql', import.meta.url)
const printed = `${printSchema(lexicographicSortSchema(schema))}\n`

if (!argv.includes('--check')) {
  writeFileSync(file, printed)
} else if (readOr(file, '') !== printed) {
  stderr.write('schema.graphql is not the schema of this code: run "npm run schema".\n')
  exit(1)
}

function readOr(path: URL, otherwise: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return otherwise
  }
}
