import { isInNetwork, parseIp, parseNetwork } from './ip.ts'
import type { IpBytes, IpNetwork } from './ip.ts'

/** The networks an operator opened besides the public ones. Empty is public addresses only. */
export type AddressPolicy = readonly IpNetwork[]

/** `reason` names the kind of address: fit for a log, and for a caller who wrote the address. */
export type AddressVerdict =
  | { readonly allowed: true }
  | { readonly allowed: false; readonly reason: string }

type SpecialRange = { readonly network: IpNetwork; readonly reason: string }

function special(cidr: string, reason: string): SpecialRange {
  return { network: ownNetwork(cidr), reason }
}

function ownNetwork(cidr: string): IpNetwork {
  const network = parseNetwork(cidr)
  if (!network) throw new Error(`${cidr} is not a network`)
  return network
}

/**
 * IANA's IPv4 special-purpose registry without regard to its "globally reachable" column (nobody
 * receives webhooks on an anycast of the protocol's own), plus two that are not in it: multicast,
 * and the address at which Azure serves its virtual machines.
 */
const specialIpv4 = [
  special('0.0.0.0/8', 'unspecified'),
  special('10.0.0.0/8', 'private'),
  special('100.64.0.0/10', 'shared by a carrier (RFC 6598)'),
  special('127.0.0.0/8', 'loopback'),
  special('168.63.129.16/32', 'the metadata service of a cloud'),
  special('169.254.0.0/16', 'link-local'),
  special('172.16.0.0/12', 'private'),
  special('192.0.0.0/24', 'reserved for protocols'),
  special('192.0.2.0/24', 'for documentation'),
  special('192.31.196.0/24', 'reserved for protocols'),
  special('192.52.193.0/24', 'reserved for protocols'),
  special('192.88.99.0/24', 'reserved for protocols'),
  special('192.168.0.0/16', 'private'),
  special('192.175.48.0/24', 'reserved for protocols'),
  special('198.18.0.0/15', 'for benchmarks'),
  special('198.51.100.0/24', 'for documentation'),
  special('203.0.113.0/24', 'for documentation'),
  special('224.0.0.0/4', 'multicast'),
  special('240.0.0.0/4', 'reserved'),
]

/** Global unicast, the only IPv6 space that is handed out; everything outside is refused unseen. */
const globalIpv6 = ownNetwork('2000::/3')

/** Inside 2000::/3 they are exceptions; outside they only say why. */
const specialIpv6 = [
  special('::1/128', 'loopback'),
  special('::/128', 'unspecified'),
  special('64:ff9b::/96', 'a translation of IPv4'),
  special('2001::/23', 'reserved for protocols'),
  special('2001:db8::/32', 'for documentation'),
  special('2002::/16', 'a translation of IPv4'),
  special('2620:4f:8000::/48', 'reserved for protocols'),
  special('3fff::/20', 'for documentation'),
  special('fc00::/7', 'private'),
  special('fe80::/10', 'link-local'),
  special('ff00::/8', 'multicast'),
]

const mappedIpv4 = ownNetwork('::ffff:0:0/96')

/**
 * Whether a request may go to this address (promise P6). Pure, and closed by default: what is not
 * an address is refused. An IPv4 address in IPv6 form (`::ffff:1.2.3.4`) is judged as the IPv4
 * address the kernel would connect to.
 */
export function judgeAddress(ip: string, allowed: AddressPolicy): AddressVerdict {
  const bytes = parseIp(ip)
  if (!bytes) return { allowed: false, reason: 'not an IP address' }
  const address = isInNetwork(bytes, mappedIpv4) ? bytes.slice(12) : bytes
  if (allowed.some((network) => isInNetwork(address, network))) return { allowed: true }
  const reason = address.length === 4 ? refusalIpv4(address) : refusalIpv6(address)
  return reason === null ? { allowed: true } : { allowed: false, reason }
}

function refusalIpv4(address: IpBytes): string | null {
  return specialIpv4.find(({ network }) => isInNetwork(address, network))?.reason ?? null
}

function refusalIpv6(address: IpBytes): string | null {
  const known = specialIpv6.find(({ network }) => isInNetwork(address, network))?.reason
  return known ?? (isInNetwork(address, globalIpv6) ? null : 'not assigned')
}

/** Whether the operator opened more than the machine's own loopback. */
export function opensPrivateNetwork(allowed: AddressPolicy): boolean {
  return allowed.some(({ bytes }) => !isLoopback(bytes))
}

function isLoopback(bytes: IpBytes): boolean {
  const ranges = bytes.length === 4 ? specialIpv4 : specialIpv6
  return ranges.some(({ network, reason }) => reason === 'loopback' && isInNetwork(bytes, network))
}

/** A policy, or a sentence that names the entry that is wrong. */
export type CidrsResult =
  | { readonly ok: true; readonly policy: AddressPolicy }
  | { readonly ok: false; readonly message: string }

/** Reads `10.0.0.0/8, fd00::/8`. Empty text opens nothing. */
export function parseCidrs(text: string): CidrsResult {
  const policy: IpNetwork[] = []
  for (const entry of text.split(',').map((part) => part.trim())) {
    if (entry === '' && text.trim() === '') break
    const network = parseNetwork(entry)
    if (!network) return { ok: false, message: `${JSON.stringify(entry)} ${cidrShape}` }
    if (isInNetwork(network.bytes, mappedIpv4)) return { ok: false, message: mappedEntry(entry) }
    policy.push(network)
  }
  return { ok: true, policy }
}

const cidrShape =
  'is not a network: write an address, or the first address of a network and its prefix length,' +
  ' such as 10.0.0.0/8 or fd00::/8.'

/** Addresses are judged in IPv4 form, so such an entry would never match. */
function mappedEntry(entry: string): string {
  return `${JSON.stringify(entry)} is IPv4 in IPv6 form: write it as IPv4.`
}
