import { jsonDepthMax, metadataBytesMax } from '../limits.ts'
import { checkStorable } from './free-text.ts'
import { checkJsonValue } from './json-value.ts'

/** What keeps a value from being an endpoint's metadata, which is stored as jsonb. */
export function checkMetadata(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return 'must be a JSON object.'
  }
  const rules = { depthMax: jsonDepthMax, checkString: checkStorable }
  const problem = checkJsonValue(value, rules)
  if (problem) return problem
  const bytes = Buffer.byteLength(JSON.stringify(value))
  return bytes > metadataBytesMax ? `${bytes} bytes, limit ${metadataBytesMax}.` : undefined
}
