import * as fc from 'fast-check'
import ipaddr from 'ipaddr.js'
import { BlockList, isIP } from 'node:net'
import { expect, test } from 'vitest'
import { judgeAddress, opensPrivateNetwork, parseCidrs } from '../../src/rules/address.ts'
import type { AddressPolicy } from '../../src/rules/address.ts'
import { ssrfCases } from './ssrf-cases.ts'

function policyOf(text: string): AddressPolicy {
  const cidrs = parseCidrs(text)
  if (!cidrs.ok) throw new Error(cidrs.message)
  return cidrs.policy
}

const octet = fc.integer({ min: 0, max: 255 })
const ipv4 = fc.tuple(octet, octet, octet, octet).map((bytes) => bytes.join('.'))
const ipv6 = fc.oneof(
  fc.ipV6(),
  fc.ipV6().map((ip) => ip.replace(/^[^:]+/, '2001')),
  ipv4.map((ip) => `::ffff:${ip}`),
)
const ip = fc.oneof(ipv4, ipv6)
const almostIp = fc.oneof(
  fc
    .tuple(ip, fc.nat(40), fc.constantFrom('', ':', '.', '0', 'g', ' ', '::', '%', '256'))
    .map(([text, at, noise]) => text.slice(0, at) + noise + text.slice(at + 1)),
  fc.stringMatching(/^[0-9a-f:.]{0,20}$/),
)

test.each(ssrfCases('ip'))('an address is judged by its kind: $input', ({ input, allowed }) => {
  expect(judgeAddress(input, []).allowed).toBe(allowed)
})

test('nothing an independent library calls special is public', () => {
  const judge = (text: string) => {
    if (!judgeAddress(text, []).allowed) return
    expect(ipaddr.process(text).range()).toBe('unicast')
  }
  fc.assert(fc.property(ip, judge), { numRuns: 5000 })
})

test('ordinary addresses of the internet are public', () => {
  for (const text of ['8.8.8.8', '140.82.112.3', '2a00:1450:4001::200e', '2606:4700::1111']) {
    expect(judgeAddress(text, [])).toEqual({ allowed: true })
  }
})

test('special networks end where they end', () => {
  const inside = [
    '2620:4f:8000::',
    '2620:4f:8000:ffff::1',
    '3fff::1',
    '2001:1ff::1',
    '192.175.48.9',
  ]
  const outside = ['2620:4f:8001::', '2620:4f:7fff::1', '3fff:1000::', '2001:200::', '192.175.49.1']
  expect(inside.filter((text) => judgeAddress(text, []).allowed)).toEqual([])
  expect(outside.filter((text) => !judgeAddress(text, []).allowed)).toEqual([])
})

test('what the system does not read as an address is refused', () => {
  fc.assert(
    fc.property(almostIp, (text) => {
      const verdict = judgeAddress(text, [])
      const isAddress = isIP(text) !== 0 && !text.includes('%')
      expect(!verdict.allowed && verdict.reason === 'not an IP address').toBe(!isAddress)
    }),
    { numRuns: 5000 },
  )
})

test('a network opens what the system says it holds', () => {
  fc.assert(
    fc.property(ipv4, fc.nat(32), ipv4, (base, bits, other) => {
      const list = new BlockList()
      list.addSubnet(base, bits)
      const first = ipaddr.IPv4.networkAddressFromCIDR(`${base}/${bits}`).toString()
      const policy = policyOf(`${first}/${bits}`)
      const expected = list.check(other) || judgeAddress(other, []).allowed
      expect(judgeAddress(other, policy).allowed).toBe(expected)
    }),
  )
})

test('a network of IPv6 opens what it holds', () => {
  const policy = policyOf('fd12:3456::/33')
  expect(judgeAddress('fd12:3456:7fff:ffff::1', policy).allowed).toBe(true)
  expect(judgeAddress('fd12:3456:8000::1', policy).allowed).toBe(false)
})

test('one allowed address opens only itself', () => {
  const policy = policyOf('127.0.0.1/32')
  expect(judgeAddress('127.0.0.1', policy).allowed).toBe(true)
  expect(judgeAddress('::ffff:127.0.0.1', policy).allowed).toBe(true)
  for (const other of ['127.0.0.2', '127.0.0.0', '::1', '10.0.0.1', '169.254.169.254']) {
    expect(judgeAddress(other, policy).allowed).toBe(false)
  }
})

test('opening all of IPv6 does not open IPv4', () => {
  expect(judgeAddress('::ffff:10.0.0.1', policyOf('::/0')).allowed).toBe(false)
})

test('a refusal names the kind of address', () => {
  expect(judgeAddress('10.1.2.3', [])).toEqual({ allowed: false, reason: 'private' })
  expect(judgeAddress('::1', [])).toEqual({ allowed: false, reason: 'loopback' })
})

test('networks are read from a list with commas', () => {
  expect(policyOf('')).toEqual([])
  expect(policyOf(' 10.0.0.0/8 , fd00::/8,192.168.1.7')).toHaveLength(3)
})

test.each([
  '10.0.0.1/8',
  '10.0.0.0/33',
  '10.0.0.0/08',
  '10.0.0.0/',
  '10.0.0.0/8/8',
  'fd00::/129',
  'localhost',
  '10.0.0.0-10.0.0.9',
  '',
  '::ffff:10.0.0.0/104',
])('a wrong network is named: %j', (entry) => {
  const cidrs = parseCidrs(`192.168.0.0/16,${entry}`)
  expect(cidrs).toEqual({ ok: false, message: expect.stringContaining(`"${entry}"`) as string })
})

test('loopback alone is no private network', () => {
  expect(opensPrivateNetwork(policyOf('127.0.0.0/8,::1/128'))).toBe(false)
  expect(opensPrivateNetwork(policyOf('127.0.0.0/8,172.18.0.0/16'))).toBe(true)
  expect(opensPrivateNetwork(policyOf('0.0.0.0/0'))).toBe(true)
})
