import { lookup } from 'node:dns/promises'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createResolve } from '../../src/egress/resolve.ts'
import type { Resolve } from '../../src/egress/resolve.ts'
import { startDnsServer } from '../support/dns-server.ts'
import type { DnsServer } from '../support/dns-server.ts'
import { allow } from './sending.ts'

function resolver(dns: DnsServer, hostsFile = '/nowhere'): Resolve {
  return createResolve({ policy: allow('127.0.0.0/8'), servers: [dns.address], hostsFile })
}

test('every address of both families is returned', async () => {
  const addresses = ['93.184.215.14', '10.0.0.1', '2606:4700::1111']
  await using dns = await startDnsServer({ 'a.example.com': addresses })
  expect(await resolver(dns)('a.example.com')).toEqual(addresses)
})

test('a name that does not exist has no addresses', async () => {
  await using dns = await startDnsServer({})
  expect(await resolver(dns)('a.example.com')).toEqual([])
})

test('a broken server is not an absent name', async () => {
  await using dns = await startDnsServer({ 'a.example.com': 'broken' })
  await expect(resolver(dns)('a.example.com')).rejects.toThrow('ESERVFAIL')
})

test('silent names delay no other name', async () => {
  const names = Array.from({ length: 100 }, (_, n) => `n${n}.example.com`)
  const silent = Object.fromEntries(names.map((name) => [name, 'silent'] as const))
  await using dns = await startDnsServer({ ...silent, 'good.example.com': ['1.1.1.1'] })
  const resolve = resolver(dns)
  const lost = names.map((name) => resolve(name))
  const ended = Promise.allSettled(lost)
  let isOver = false
  void ended.then(() => (isOver = true))
  expect(await resolve('good.example.com')).toEqual(['1.1.1.1'])
  expect(isOver).toBe(false)
  expect((await ended).map(({ status }) => status)).toEqual(names.map(() => 'rejected'))
}, 15_000)

test('lookups at the same time ask once', async () => {
  await using dns = await startDnsServer({ 'a.example.com': ['1.1.1.1'] })
  const resolve = resolver(dns)
  await Promise.all(Array.from({ length: 50 }, () => resolve('a.example.com')))
  expect(dns.asked('a.example.com')).toBe(2)
  await resolve('a.example.com')
  expect(dns.asked('a.example.com')).toBe(4)
})

test('the hosts file wins over DNS', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'postrider-hosts-'))
  const hostsFile = join(dir, 'hosts')
  await writeFile(hostsFile, '# own\n10.0.0.5\tHooks.example.com alias # x\nfd00::5 alias\n')
  await using dns = await startDnsServer({ 'hooks.example.com': ['1.1.1.1'] })
  const resolve = resolver(dns, hostsFile)
  expect(await resolve('hooks.example.com')).toEqual(['10.0.0.5'])
  expect(await resolve('alias')).toEqual(['10.0.0.5', 'fd00::5'])
  await rm(dir, { recursive: true })
})

test('localhost is asked of nobody', async () => {
  await using dns = await startDnsServer({ localhost: ['10.0.0.1'] })
  expect(await resolver(dns)('localhost')).toEqual(['127.0.0.1'])
  expect(await resolver(dns)('x.localhost')).toEqual(['127.0.0.1'])
  expect(dns.asked('localhost')).toBe(0)
})

test('internal names are asked of the system in the end', async () => {
  await using dns = await startDnsServer({ container: ['172.18.0.3'] })
  const resolve = resolver(dns)
  expect(await resolve('container')).toEqual(['172.18.0.3'])
  // The system knows this machine's name, the DNS server does not.
  const [name = ''] = hostname().split('.')
  const known = await lookup(name, { all: true }).catch(() => [])
  expect(new Set(await resolve(name))).toEqual(new Set(known.map(({ address }) => address)))
})
