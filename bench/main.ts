import { readFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { parseArgs } from 'node:util'
import { backlog } from './backlog.ts'
import { burst } from './burst.ts'
import { deliveries } from './deliveries.ts'
import { feed } from './feed.ts'
import { isolation } from './isolation.ts'
import { latency } from './latency.ts'
import { publishing } from './publishing.ts'
import type { Figure, Part, Settings } from './support/part.ts'
import { tableOf } from './support/table.ts'
import { workers } from './workers.ts'

/** In the order in which they run when none is named. */
const parts: readonly Part[] = [
  deliveries,
  publishing,
  latency,
  workers,
  isolation,
  burst,
  feed,
  backlog,
]

const options = {
  json: { type: 'boolean', default: false },
  endpoints: { type: 'string', default: '100,1000' },
  bytes: { type: 'string', default: '1024,16384' },
  deliveries: { type: 'string', default: '30000' },
  rounds: { type: 'string', default: '3' },
  publishers: { type: 'string', default: '4' },
  seconds: { type: 'string', default: '15' },
  rate: { type: 'string', default: '200' },
  burst: { type: 'string', default: '50000' },
  stored: { type: 'string', default: '5000000' },
  waiting: { type: 'string', default: '1000000' },
  subscribers: { type: 'string', default: '1000' },
} as const

/** Runs the named parts, or all; the table goes to people, with `--json` JSON to programs. */
async function main(): Promise<void> {
  const { values, positionals } = parseArgs({ options, allowPositionals: true })
  const settings = settingsOf(values)
  const figures: Figure[] = []
  for (const part of partsNamed(positionals)) {
    process.stderr.write(`bench: ${part.name}\n`)
    figures.push(...(await part.run(settings)))
  }
  const people = values.json ? process.stderr : process.stdout
  people.write(tableOf(figures))
  if (values.json) process.stdout.write(`${JSON.stringify({ ...machine(), settings, figures })}\n`)
}

function partsNamed(names: readonly string[]): readonly Part[] {
  const unknown = names.find((name) => !parts.some((part) => part.name === name))
  const known = parts.map((part) => part.name).join(', ')
  if (unknown !== undefined) throw new Error(`There is no "${unknown}"; there are ${known}.`)
  return names.length === 0 ? parts : parts.filter((part) => names.includes(part.name))
}

type Values = { readonly [Name in Exclude<keyof typeof options, 'json'>]: string }

function settingsOf(values: Values): Settings {
  const lists = { endpoints: numbers(values.endpoints), bytes: numbers(values.bytes) }
  const { deliveries, rounds, publishers, seconds, rate, burst, stored, waiting, subscribers } =
    values
  const sizes = {
    deliveries,
    rounds,
    publishers,
    seconds,
    rate,
    burst,
    stored,
    waiting,
    subscribers,
  }
  const read = Object.entries(sizes).map(([name, text]) => [name, numbers(text)[0]])
  return { ...lists, ...(Object.fromEntries(read) as Omit<Settings, keyof typeof lists>) }
}

function numbers(text: string): number[] {
  const values = text.split(',').map(Number)
  if (values.every((value) => value > 0)) return values
  throw new Error(`"${text}" is no number above zero.`)
}

function machine() {
  const [cpu] = cpus()
  const { version } = JSON.parse(
    readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
  ) as { version: string }
  return {
    version,
    at: new Date().toISOString(),
    machine: {
      processors: cpus().length,
      model: cpu?.model,
      memoryMegabytes: Math.round(totalmem() / 2 ** 20),
      node: process.version,
    },
  }
}

// Interrupted, it leaves by the door: so PostgreSQL is stopped and its files are removed.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))

await main().catch((error: unknown) => {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
})
