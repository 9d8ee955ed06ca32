import { readFileSync } from 'node:fs'
import { lookup, Resolver } from 'node:dns/promises'
import { dnsTimeoutMs, dnsTriesMax } from '../limits.ts'
import { judgeAddress } from '../rules/address.ts'
import type { AddressPolicy } from '../rules/address.ts'
import { isInternalName, isLoopbackName } from '../rules/host-name.ts'
import { codeOf } from './send-failure.ts'

/** Every address of a name, unjudged; none when the name does not exist. Rejects when unknown. */
export type Resolve = (host: string) => Promise<readonly string[]>

/** What a resolver needs; the defaults are the system's. */
export type ResolveOptions = {
  readonly policy: AddressPolicy
  /** DNS servers, as `address:port`. */
  readonly servers?: readonly string[]
  readonly hostsFile?: string
}

/**
 * Resolves as an operator expects of any program: the hosts file (read once) wins over DNS, and
 * names that only this network knows (cluster short names, mDNS) are asked of the system in the
 * end. But DNS itself is asked by c-ares: `dns.lookup` blocks one of the four threads that files
 * and cryptography share, and four names of a dead name server would stop the whole process.
 */
export function createResolve(options: ResolveOptions): Resolve {
  const resolver = new Resolver({ timeout: dnsTimeoutMs, tries: dnsTriesMax })
  if (options.servers) resolver.setServers([...options.servers])
  const hosts = readHosts(options.hostsFile ?? '/etc/hosts')
  const askSystem = oneAtATime()

  async function resolve(host: string): Promise<readonly string[]> {
    if (isLoopbackName(host)) return loopback(options.policy)
    const known = hosts.get(host)
    if (known) return known
    const answers = await askDns(resolver, host)
    return answers.length === 0 && isInternalName(host) ? askSystem(host) : answers
  }
  return shareWhileOpen(resolve)
}

/** Loopback needs no question (RFC 6761), and only the part the operator opened is of use. */
function loopback(policy: AddressPolicy): readonly string[] {
  const addresses = ['127.0.0.1', '::1']
  const open = addresses.filter((address) => judgeAddress(address, policy).allowed)
  return open.length > 0 ? open : addresses
}

/** IPv4 first: where there is no IPv6 route, no dial is wasted on it. */
async function askDns(resolver: Resolver, host: string): Promise<readonly string[]> {
  const answers = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)])
  const addresses = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []))
  if (addresses.length > 0) return addresses
  for (const answer of answers) {
    if (answer.status === 'rejected' && !isAbsent(answer.reason)) throw answer.reason
  }
  return []
}

function isAbsent(error: unknown): boolean {
  const code = codeOf(error)
  return code === 'ENOTFOUND' || code === 'ENODATA'
}

/** Keeps three of the four threads free, whatever the system's resolver waits for. */
function oneAtATime(): Resolve {
  let last: Promise<unknown> = Promise.resolve()
  return (host) => {
    const turn = last.then(() => askSystemNow(host))
    last = turn.catch(() => undefined)
    return turn
  }
}

async function askSystemNow(host: string): Promise<readonly string[]> {
  try {
    const answers = await lookup(host, { all: true, order: 'ipv4first' })
    return answers.map(({ address }) => address)
  } catch (error) {
    if (isAbsent(error)) return []
    throw error
  }
}

/** Connections that open together ask once. Nothing is kept: each answer is used when it is new. */
function shareWhileOpen(resolve: Resolve): Resolve {
  const open = new Map<string, Promise<readonly string[]>>()
  return (host) => {
    const running = open.get(host)
    if (running) return running
    const answer = resolve(host).finally(() => open.delete(host))
    open.set(host, answer)
    return answer
  }
}

function readHosts(path: string): ReadonlyMap<string, readonly string[]> {
  const hosts = new Map<string, string[]>()
  for (const line of readLines(path)) {
    const [address, ...names] = line.replace(/#.*/, '').trim().toLowerCase().split(/\s+/)
    for (const name of names) hosts.set(name, [...(hosts.get(name) ?? []), address ?? ''])
  }
  return hosts
}

/** A machine without the file has no entries. */
function readLines(path: string): readonly string[] {
  try {
    return readFileSync(path, 'utf8').split('\n')
  } catch {
    return []
  }
}
