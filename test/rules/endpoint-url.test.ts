import { expect, test } from 'vitest'
import { parseCidrs } from '../../src/rules/address.ts'
import { checkEndpointUrl } from '../../src/rules/endpoint-url.ts'
import type { EndpointUrlCheck, UrlRules } from '../../src/rules/endpoint-url.ts'
import { ssrfCases } from './ssrf-cases.ts'

function check(text: string, networks = '', rules: Partial<UrlRules> = {}): EndpointUrlCheck {
  const cidrs = parseCidrs(networks)
  if (!cidrs.ok) throw new Error(cidrs.message)
  const { policy } = cidrs
  return checkEndpointUrl(text, { httpsOnly: false, policy, ...rules })
}

const embedded = '127.0.0.0/8,::1/128'

test.each(ssrfCases('url'))('a URL is judged by its text: $input', ({ input, allowed }) => {
  expect(check(input).ok).toBe(allowed)
})

test.each(ssrfCases('url-httpsonly'))('https alone may be asked for: $input', ({ input }) => {
  expect(check(input, '', { httpsOnly: true })).toMatchObject({ rule: 'NOT_ALLOWED' })
  expect(check(input).ok).toBe(true)
})

// The table blocks the service's own public host. It has no setting that says what that is, so the
// row does not apply: such a URL is one like any other.
test.each(ssrfCases('url-self'))('no host is known as our own: $input', ({ input }) => {
  expect(check(input).ok).toBe(true)
})

test.each(ssrfCases('allowlist'))('one address opens only itself: $input', ({ input, allowed }) => {
  expect(check(input, '127.0.0.1/32').ok).toBe(allowed)
})

test.each([
  ['HTTPS://EXAMPLE.COM/Hook', 'https://example.com/Hook'],
  ['https://example.com', 'https://example.com/'],
  ['https://example.com:443/h', 'https://example.com/h'],
  ['https://example.com./h', 'https://example.com/h'],
  ['https://faß.de/ü?q=ü', 'https://xn--fa-hia.de/%C3%BC?q=%C3%BC'],
  ['https://FAß.de/', 'https://xn--fa-hia.de/'],
  ['https://xn--fa-hia.de/', 'https://xn--fa-hia.de/'],
  ['https://example.com/a/../b', 'https://example.com/b'],
])('the canonical URL is returned: %s', (text, url) => {
  expect(check(text)).toEqual({ ok: true, url })
})

test('a canonical URL stays as it is', () => {
  const passed = ssrfCases('url')
    .map(({ input }) => check(input))
    .filter(({ ok }) => ok)
  expect(passed.map((checked) => (checked.ok ? check(checked.url) : null))).toEqual(passed)
})

test.each([
  ['', 'INVALID', 'must start with https://.'],
  ['//example.com/h', 'INVALID', 'must start with https://.'],
  ['https:///example.com', 'INVALID', 'must start with https:// and a host.'],
  ['ftp://example.com/', 'NOT_ALLOWED', 'ftp is not allowed.'],
  ['https://a@example.com/', 'NOT_ALLOWED', 'a user name or password is not allowed.'],
  ['https://example.com/#', 'NOT_ALLOWED', 'a fragment (#) is never sent and not allowed.'],
  ['https://example.com:25/', 'NOT_ALLOWED', 'port 25 is not allowed.'],
  ['https://example.com:0/', 'NOT_ALLOWED', 'port 0 is not allowed.'],
  ['http://127.0.0.1:6000/', 'NOT_ALLOWED', 'port 6000 is not allowed.'],
  ['http://0x7f.1/', 'INVALID', 'the host must be written as 127.0.0.1.'],
  ['http://10.0.0.1/', 'NOT_ALLOWED', '10.0.0.1 is not a public address: private.'],
  ['http://[::1]/', 'NOT_ALLOWED', '::1 is not a public address: loopback.'],
  ['http://db.internal/', 'NOT_ALLOWED', 'db.internal is not a public host name.'],
  ['https://*.example.com/', 'INVALID', '*.example.com is not a valid host name.'],
  [`https://example.com/${'a'.repeat(2029)}`, 'INVALID', '2049 characters, limit 2048.'],
])('a refusal says which rule refused: %s', (text, rule, message) => {
  expect(check(text)).toEqual({ ok: false, rule, message })
})

test('the limit holds for the canonical URL too', () => {
  expect(check(`https://example.com/${'ü'.repeat(1000)}`)).toMatchObject({ rule: 'INVALID' })
})

test.each([
  'http://localhost:4000/inbox/x',
  'http://tenant.localhost:4000/',
  'http://127.0.0.1:8080/',
  'http://127.3.2.1/',
  'http://[::1]:9000/',
])('loopback is open when the operator opened it: %s', (text) => {
  expect(check(text, embedded)).toEqual({ ok: true, url: text })
})

test.each(['http://db.internal/', 'http://receiver:8080/', 'http://10.0.0.1/', 'http://0.0.0.0/'])(
  'opening loopback opens nothing else: %s',
  (text) => {
    expect(check(text, embedded)).toMatchObject({ rule: 'NOT_ALLOWED' })
  },
)

test.each(['http://receiver:8080/', 'http://receiver.shop.svc/', 'http://host.docker.internal/'])(
  'internal names pass where a private network is open: %s',
  (text) => {
    expect(check(text, '172.18.0.0/16')).toEqual({ ok: true, url: text })
  },
)

test('privileged ports stay closed on allowed addresses', () => {
  expect(check('http://127.0.0.1:22/', embedded)).toMatchObject({ rule: 'NOT_ALLOWED' })
})
