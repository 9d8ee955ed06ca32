import { randomInt } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { adoptFolder, cleanUpOnExit } from './harness/children.ts'
import { seededRandom } from './harness/random.ts'
import { summary, table, type Result } from './harness/table.ts'
import type { Experiment } from './harness/trial.ts'
import { suite } from './suite.ts'

/**
 * Runs experiments in turn (all, or those named), prints a table and writes JSON. Ends with 1
 * where any finding is not what it must be.
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string', default: String(randomInt(2 ** 31)) },
    /** Times and counts: 1 is a long run, of about half an hour. */
    scale: { type: 'string', default: '0.5' },
    /** Events a second, likewise: for machines that are slow, or busy with something else. */
    rate: { type: 'string', default: '1' },
    json: { type: 'string' },
    /** Logs, ledger and data stay, for whoever wants to look. */
    keep: { type: 'boolean', default: false },
  },
})
const seed = Number(values.seed)
const scale = Number(values.scale)
const rate = Number(values.rate)

cleanUpOnExit()
say(`seed ${seed}, scale ${scale}, rate ${rate}`)
const results: Result[] = []
for (const experiment of chosen(positionals)) results.push(await tryOut(experiment))
process.stdout.write(`${table(results)}\n`)
if (values.json)
  await writeFile(values.json, JSON.stringify({ seed, scale, rate, results }, null, 2))
process.exitCode = results.every(({ ok }) => ok) ? 0 : 1

function chosen(ids: readonly string[]): readonly Experiment[] {
  const unknown = ids.filter((id) => !suite.some((experiment) => experiment.id === id))
  if (unknown.length > 0) throw new Error(`There is no experiment ${unknown.join(', ')}.`)
  return ids.length === 0 ? suite : suite.filter(({ id }) => ids.includes(id))
}

async function tryOut(experiment: Experiment): Promise<Result> {
  const { id, title } = experiment
  const folder = await mkdtemp(join(tmpdir(), `postrider-faults-${id}-`))
  if (!values.keep) adoptFolder(folder)
  say(`${id} ${title}${values.keep ? ` in ${folder}` : ''}`)
  const random = seededRandom(seed, id)
  const scaled = (full: number) => Math.max(1, Math.round(full * scale))
  const tell = (line: string) => say(`${id} ${line}`)
  const started = performance.now()
  const { findings, error } = await experiment
    .run({ random, scaled, rate: (full) => full * rate, say: tell, folder })
    .then((found) => ({ findings: found, error: null }))
    .catch((failure: unknown) => ({ findings: [], error: String(failure) }))
  const seconds = Math.round((performance.now() - started) / 1000)
  if (!values.keep) await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  const ok = error === null && findings.every((finding) => finding.ok)
  const result = { id, title, seconds, ok, findings, error }
  say(summary(result))
  return result
}

function say(line: string): void {
  process.stderr.write(`${line}\n`)
}
