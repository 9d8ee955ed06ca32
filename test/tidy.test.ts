import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'

/* The shape of the source as data: who may import whom, and what belongs in one place alone. */

type Source = { readonly path: string; readonly text: string; readonly code: string }

const sources: readonly Source[] = globSync('src/**/*.ts').map((path) => {
  const text = readFileSync(path, 'utf8')
  return { path, text, code: withoutComments(text) }
})

/** What is every folder's. Types mostly: none of it knows the rest of the program. */
const ground = ['errors', 'limits', 'clock', 'log']

/** A folder, or a file at the top, and what it may import besides its own. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  limits: [],
  version: [],
  log: [],
  telemetry: [],
  'tracing/': ['limits', 'rules/', 'version'],
  clock: ['limits', 'log', 'db'],
  'rules/': ['errors', 'limits'],
  'model/': ['rules/'],
  'client/': ['rules/'],
  'store/': ['model/', 'rules/', 'errors', 'limits', 'db'],
  seal: [],
  queue: ['limits'],
  db: ['limits', 'model/', 'queue', 'store/'],
  'start-checks': ['seal'],
  'start-problem': ['limits', 'api/'],
  notifier: ['db', 'limits', 'log'],
  'egress/': ['limits', 'rules/'],
  'feed/': [...ground, 'db', 'notifier', 'model/', 'rules/', 'store/'],
  'pipeline/': [
    ...ground,
    ...['db', 'notifier', 'queue', 'seal', 'telemetry', 'tracing/'],
    ...['egress/', 'model/', 'rules/', 'store/'],
  ],
  'control/': [...ground, 'db', 'seal', 'model/', 'rules/', 'store/', 'pipeline/'],
  'maintenance/': [...ground, 'db', 'telemetry', 'rules/', 'store/', 'pipeline/'],
  'api/': [
    ...ground,
    ...['db', 'telemetry', 'version'],
    ...['control/', 'feed/', 'model/', 'pipeline/', 'rules/', 'store/'],
  ],
  config: ['limits', 'rules/', 'seal', 'tracing/'],
  'embedded/': ['clock', 'limits'],
  'embedded-postgres': ['embedded/', 'limits', 'log'],
  'first-run/': ['control/', 'errors', 'model/', 'rules/', 'seal', 'store/'],
  app: [
    ...ground,
    ...['config', 'db', 'seal', 'telemetry', 'tracing/', 'version'],
    ...['api/', 'feed/', 'maintenance/', 'pipeline/', 'store/'],
  ],
  main: [
    ...ground,
    ...['app', 'config', 'db', 'embedded-postgres', 'start-checks', 'start-problem', 'version'],
    ...['api/', 'first-run/'],
  ],
}

/** Of these folders only these files may be imported from the folder on the left. */
const onlyThese: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  'api/': {
    'pipeline/': ['publish', 'stages', 'batcher'],
    'feed/': ['hub', 'subscriber', 'change', 'replay-watch'],
  },
  'control/': { 'pipeline/': ['wake', 'stages'] },
  'maintenance/': { 'pipeline/': ['wake', 'rounds', 'publish', 'stages', 'tell', 'disable'] },
  db: { 'store/': ['partition', 'sql-array'], 'model/': ['entities'] },
}

type Edge = { readonly from: Source; readonly to: string; readonly typeOnly: boolean }

const edges: readonly Edge[] = sources.flatMap((from) => {
  const found = from.code.matchAll(/^import\s+(type\s)?(?:[^'"]*?\sfrom\s+)?'(\.[^']+)'/gm)
  return [...found].map(([, type, to = '']) => {
    return { from, to: join(dirname(from.path), to), typeOnly: type !== undefined }
  })
})

function layerOf(path: string): string {
  const [, first = '', second] = path.split('/')
  if (first === 'limits') return first
  return second === undefined ? first.replace(/\.ts$/, '') : `${first}/`
}

test('every folder has its place in the table', () => {
  const known = new Set(Object.keys(mayImport))
  expect(new Set(sources.map(({ path }) => layerOf(path)))).toEqual(known)
})

test('nobody imports what is not theirs to know', () => {
  const foreign = edges.filter(({ from, to }) => {
    if (!to.startsWith('src/')) return to !== 'package.json'
    const [own, other] = [layerOf(from.path), layerOf(to)]
    if (own === other) return false
    const few = onlyThese[own]?.[other]
    const name = to.split('/').at(-1)?.replace(/\.ts$/, '') ?? ''
    return !mayImport[own]?.includes(other) || (few !== undefined && !few.includes(name))
  })
  expect(foreign.map(({ from, to }) => `${from.path} imports ${to}`)).toEqual([])
})

test('no file needs itself to be loaded', () => {
  const needs = Map.groupBy(
    edges.filter(({ typeOnly }) => !typeOnly),
    ({ from }) => from.path,
  )
  const cycles: string[] = []
  const done = new Set<string>()
  const visit = (path: string, way: readonly string[]): void => {
    if (way.includes(path)) cycles.push([...way.slice(way.indexOf(path)), path].join(' > '))
    if (way.includes(path) || done.has(path)) return
    for (const { to } of needs.get(path) ?? []) visit(to, [...way, path])
    done.add(path)
  }
  for (const { path } of sources) visit(path, [])
  expect(cycles).toEqual([])
})

/** Of Node's modules those that only compute. */
const pureModules = /node:(crypto|url|zlib)/g

test('rules are pure: they know no time, no wait and no machine', () => {
  const impure = /\bawait\b|\basync (?=\(|function)|new Date\(\)|setTimeout|from 'node:(?!pure)/
  const rules = inFolder('rules/').map((source) => {
    return { ...source, code: source.code.replaceAll(pureModules, 'node:pure') }
  })
  expect(where(rules, impure)).toEqual([])
})

test('everything is exported by its own name from its own file', () => {
  expect(where(sources, /^export default|^export \*|^export \{[^}]*\} from/m)).toEqual([])
})

test('the environment is read at the start alone', () => {
  const others = sources.filter(({ path }) => !/^src\/(main|config)\.ts$/.test(path))
  expect(where(others, /process\.env/)).toEqual([])
})

test('the SDK of traces is loaded where tracing is on', () => {
  const users = where(sources, /from '@opentelemetry\//)
  expect(users).toEqual(['src/tracing/otlp.ts'])
  expect(edges.filter(({ to }) => users.includes(to))).toEqual([])
})

test('time comes from the clock', () => {
  // Migrating makes today's partitions before there is a clock to follow.
  const others = sources.filter(({ path }) => !/^src\/(clock|db)\.ts$/.test(path))
  expect(where(others, /Date\.now|new Date\(\)/)).toEqual([])
})

test('no file has more than 300 lines, and half of them no more than 90', () => {
  const lengths = sources.map(({ path, text }) => ({ path, lines: text.split('\n').length - 1 }))
  expect(lengths.filter(({ lines }) => lines > 300)).toEqual([])
  const median = lengths.map(({ lines }) => lines).sort((a, b) => a - b)[lengths.length >> 1]
  expect(median).toBeLessThanOrEqual(90)
})

test('no line is longer than 100 characters', () => {
  const long = sources.flatMap(({ path, text }) => {
    return text.split('\n').flatMap((line, index) => {
      return line.length > 100 ? [`${path}:${index + 1}`] : []
    })
  })
  expect(long).toEqual([])
})

type Statement = { readonly path: string; readonly text: string }

/** Every text in the source that is SQL: it begins with a verb of it, or with its name. */
const statements: readonly Statement[] = sources.flatMap(({ path, text: source }) => {
  const text = withFragments(source)
  const literals = text.matchAll(/`([^`]*)`|'((?:[^'\\\n]|\\.)*)'/g)
  return [...literals].flatMap(([, template, plain]) => {
    const sql = (template ?? plain ?? '').trim()
    return isSql(sql) ? [{ path, text: sql }] : []
  })
})

/** With the parts of statements that the same file holds put in their places. */
function withFragments(source: string): string {
  const parts = source.matchAll(/^const (\w+) =\s+`([^`]*)`/gm)
  return [...parts].reduce((text, [, name, part = '']) => {
    return text.replaceAll(`\${${name}}`, () => part)
  }, source)
}

function isSql(text: string): boolean {
  const verbs = /^(select|with|insert into|update|delete from|create|drop|alter|listen|set local)\s/
  return /^\/\* \w+ \*\//.test(text) || (verbs.test(text) && /\s/.test(text.replace(verbs, '')))
}

/** Parts of statements, put into others. */
const fragments = [
  ...['insert into change', 'update endpoint set version', 'update endpoint_health set parked'],
  'with (fillfactor',
  // Of the lists, by whose filters their statements differ.
  ...['select ${columns} from', 'select event.* from', 'select due.delivery_id as id from'],
  ...['select found.* from', 'select both_kinds.* from', 'select due.id from'],
]

test('every statement begins with its name', () => {
  const nameless = statements.filter(({ text }) => {
    return !text.startsWith('/*') && !fragments.some((start) => text.startsWith(start))
  })
  expect(nameless).toEqual([])
})

test('no two statements have one name', () => {
  const names = statements.flatMap(({ text }) => /^\/\* (\w+) \*\//.exec(text)?.[1] ?? [])
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([])
})

const tenantTables = new RegExp(
  String.raw`\b(?:from|join|into|update|using)\s+(?:endpoint|endpoint_secret|endpoint_health|` +
    String.raw`event|idempotency_key|delivery|due|attempt|change|audit_entry|replay)\b`,
)

/** Duties of the system, which serve all tenants at once, and why each may. */
const ofAllTenants: Readonly<Record<string, string>> = {
  findDueEndpoints: 'the sweep looks for work of any workspace',
  readLaneEndpoints:
    "a lane's job names its endpoint alone; each row names its workspace from here",
  readLaneNews: 'as above',
  countDue: 'a figure of the whole database, and one of an endpoint that was found by its key',
  findEndpointOwners: 'the same for endpoints',
  readSealKeyIds: 'the start looks for secrets that it could not read',
  readSealedTexts: 'the start tries some of them, whosever they are',
  oldestAwaitedDay: 'retention',
  deleteOldDue: 'retention',
  deleteOldKeys: 'retention',
  deleteOldAuditEntries: 'retention',
  deleteOldReplays: 'retention',
  claimReplayTurn: 'whoever is free works on the next replay of any workspace',
  findDeliveryOwners: 'how an operator, who is in no workspace, finds the one of a delivery',
  findEventOwners: 'the same for events',
  findReplayOwners: 'the same for replays',
}

test('every statement on tenant tables names the workspace', () => {
  const open = statements.filter(({ text }) => {
    const name = /^\/\* (\w+) \*\//.exec(text)?.[1] ?? ''
    return tenantTables.test(text) && !namesWorkspace(text) && !(name in ofAllTenants)
  })
  expect(open).toEqual([])
})

/** In a condition, or among the columns of a new row. */
function namesWorkspace(text: string): boolean {
  return /workspace_id\s*=|insert into \w+\s*\([^)]*workspace_id/.test(text)
}

function inFolder(folder: string): readonly Source[] {
  return sources.filter(({ path }) => path.startsWith(`src/${folder}`))
}

function where(among: readonly Source[], pattern: RegExp): string[] {
  return among.filter(({ code }) => pattern.test(code)).map(({ path }) => path)
}

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/^\s*\/\/.*$/gm, '')
}
