import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { adopt, adoptFolder, cleanUpOnExit } from './harness/children.ts'
import type { Result } from './harness/table.ts'
import { mutants, type Edit, type Mutant } from './mutants.ts'

/**
 * Checks the checker: copies the source, takes out one promise at a time and runs the experiment
 * that must notice. Ends with 1 where one stays green.
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string', default: String(randomInt(2 ** 31)) },
    scale: { type: 'string', default: '0.3' },
    rate: { type: 'string', default: '1' },
  },
})
const root = fileURLToPath(new URL('../../', import.meta.url))
const copied = ['src', 'bench/faults', 'migrations', 'package.json']
/** What the program promises. Red guards alone would only say that the fault did not land. */
const promises = [
  'lost',
  'phantom',
  'corrupt',
  'stuck',
  'misjudged',
  'incomplete',
  'dup without excuse',
  'unrecorded without excuse',
]

cleanUpOnExit()
process.stdout.write('| without | experiment | checker | what it found |\n|---|---|---|---|\n')
for (const mutant of mutants) {
  if (positionals.length > 0 && !positionals.includes(mutant.experiment)) continue
  const found = await whatIsFound(mutant)
  const verdict = found.length > 0 ? 'red' : '**GREEN**'
  const { name, experiment } = mutant
  process.stdout.write(`| ${name} | ${experiment} | ${verdict} | ${found.join(', ')} |\n`)
  if (found.length === 0) process.exitCode = 1
}

/** Promises that the mutant breaks. */
async function whatIsFound(mutant: Mutant): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'postrider-mutant-'))
  adoptFolder(folder)
  for (const path of copied) await cp(join(root, path), join(folder, path), { recursive: true })
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
  for (const edit of mutant.edits) await apply(folder, edit)
  const result = await runIn(folder, mutant.experiment)
  await rm(folder, { recursive: true, force: true })
  if (!result || result.error) throw new Error(`${mutant.name}: ${result?.error ?? 'no result'}`)
  return result.findings
    .filter(({ name, ok }) => !ok && promises.includes(name))
    .map(({ name, value }) => `${name} ${value}`)
}

async function apply(folder: string, { file, find, replace }: Edit): Promise<void> {
  const path = join(folder, file)
  const parts = (await readFile(path, 'utf8')).split(find)
  if (parts.length !== 2) throw new Error(`${file} has ${parts.length - 1} times: ${find}`)
  await writeFile(path, parts.join(replace))
}

async function runIn(folder: string, experiment: string): Promise<Result | undefined> {
  const json = join(folder, 'result.json')
  const { seed, scale, rate } = values
  const options = ['--seed', seed, '--scale', scale, '--rate', rate, '--json', json]
  const program = join(folder, 'bench/faults/run.ts')
  const stdio = ['ignore', 'ignore', 'inherit'] as const
  const child = adopt(
    spawn(process.execPath, [program, experiment, ...options], { stdio: [...stdio] }),
  )
  await once(child, 'exit')
  const written = JSON.parse(await readFile(json, 'utf8')) as { results: Result[] }
  return written.results[0]
}
