import { expect, test } from 'vitest'
import { readConfig } from '../src/config.ts'

const production = {
  DATABASE_URL: 'postgres://localhost/postrider',
  POSTRIDER_ADMIN_KEY: 'x'.repeat(32),
  POSTRIDER_ENCRYPTION_KEYS: `k1:${Buffer.alloc(32).toString('base64')}`,
}

function problemsOf(env: Readonly<Record<string, string>>): readonly string[] {
  const read = readConfig(env)
  return read.ok ? [] : read.problems
}

test('the embedded default needs no variable at all', () => {
  expect(readConfig({ HOME: '/root' })).toMatchObject({
    ok: true,
    config: { host: '127.0.0.1', httpsOnly: false, databaseUrl: null, corsOrigins: [] },
  })
})

test('production is closed unless it is opened', () => {
  const read = readConfig(production)

  const closed = { host: '0.0.0.0', httpsOnly: true, allowedNetworks: [], corsOrigins: [] }
  expect(read).toMatchObject({ ok: true, config: closed })
})

test('everything that is wrong is said at once', () => {
  const problems = problemsOf({
    DATABASE_URL: 'mysql://localhost',
    PORT: '70000',
    POSTRIDER_HTTPS_ONLY: 'yes',
    POSTRIDER_RETENTION_DAY: '3',
  })

  expect(problems).toEqual([
    'PORT must be a whole number from 0 to 65535.',
    'DATABASE_URL must begin with postgres://.',
    'POSTRIDER_ADMIN_KEY is required when DATABASE_URL is set.',
    'POSTRIDER_ENCRYPTION_KEYS is required when DATABASE_URL is set.',
    'POSTRIDER_HTTPS_ONLY must be true or false.',
    'POSTRIDER_RETENTION_DAY is not a setting; did you mean POSTRIDER_RETENTION_DAYS?',
  ])
})

test.each([
  ['POSTRIDER_HTTP_ONLY', '; did you mean POSTRIDER_HTTPS_ONLY?'],
  ['POSTRIDER_ADMINKEY', '; did you mean POSTRIDER_ADMIN_KEY?'],
  ['POSTRIDER_PORT', '; did you mean PORT?'],
  ['POSTRIDER_COLOUR', '.'],
])('%s is no setting and is refused', (name, rest) => {
  expect(problemsOf({ [name]: '1' })).toEqual([`${name} is not a setting${rest}`])
})

test('a variable without a value is one that is not set', () => {
  expect(problemsOf({ POSTRIDER_COLOUR: '', POSTRIDER_ROLE: '' })).toEqual([])
})

test('what Kubernetes says of its services is not ours', () => {
  const told = {
    POSTRIDER_SERVICE_HOST: '10.0.0.1',
    POSTRIDER_SERVICE_PORT: '4000',
    POSTRIDER_SERVICE_PORT_HTTP: '4000',
    POSTRIDER_PORT: 'tcp://10.0.0.1:4000',
    POSTRIDER_PORT_4000_TCP_ADDR: '10.0.0.1',
    POSTRIDER_API_SERVICE_HOST: '10.0.0.2',
    POSTRIDER_API_PORT: 'tcp://10.0.0.2:4000',
  }

  expect(problemsOf(told)).toEqual([])
  expect(problemsOf({ ...told, POSTRIDER_ROLES: 'api' })).toHaveLength(1)
})

test('origins are read as browsers write them', () => {
  const read = readConfig({ POSTRIDER_CORS_ORIGINS: 'https://a.example, http://localhost:3000,' })

  const corsOrigins = ['https://a.example', 'http://localhost:3000']
  expect(read).toMatchObject({ ok: true, config: { corsOrigins } })
})

test.each(['*', 'null', 'a.example', 'https://a.example/', 'https://A.example', 'ftp://a.example'])(
  'the origin %s is refused',
  (origin) => {
    expect(problemsOf({ POSTRIDER_CORS_ORIGINS: `https://b.example,${origin}` })).toEqual([
      'POSTRIDER_CORS_ORIGINS must be origins such as https://app.example.com, ' +
        `not "${origin}".`,
    ])
  },
)

test('an endpoint for traces turns tracing on', () => {
  const base = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318/' }
  const off = { url: 'http://collector:4318/v1/traces', serviceName: 'postrider', ratio: 1 }
  expect(tracingOf({})).toBe(null)
  expect(tracingOf({ ...base, OTEL_SDK_DISABLED: 'true' })).toBe(null)
  expect(tracingOf(base)).toEqual({ ...off, followsParent: true })
  const sampler = { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.25' }
  const named = { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://other/x', OTEL_SERVICE_NAME: 'hooks' }
  expect(tracingOf({ ...base, ...sampler, ...named })).toEqual({
    ...{ url: 'http://other/x', serviceName: 'hooks', ratio: 0.25, followsParent: false },
  })
})

test('wrong settings of tracing are named', () => {
  const wrong = { OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318', OTEL_TRACES_SAMPLER_ARG: '2' }
  expect(readConfig(wrong)).toMatchObject({
    problems: [
      'OTEL_EXPORTER_OTLP_ENDPOINT must be a URL that begins with http.',
      'OTEL_TRACES_SAMPLER_ARG must be a number from 0 to 1.',
    ],
  })
})

function tracingOf(env: Record<string, string>) {
  const read = readConfig(env)
  if (!read.ok) throw new Error(read.problems.join())
  return read.config.tracing
}
