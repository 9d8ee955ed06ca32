/** An address as its bytes: 4 of IPv4, 16 of IPv6. */
export type IpBytes = readonly number[]

/** The addresses whose first `prefixBits` bits are those of `bytes`. */
export type IpNetwork = { readonly bytes: IpBytes; readonly prefixBits: number }

const decimalByte = '(0|[1-9][0-9]?|1[0-9]{2}|2[0-4][0-9]|25[0-5])'
const ipv4Text = new RegExp(`^${Array(4).fill(decimalByte).join('\\.')}$`)
const ipv6Group = /^[0-9a-f]{1,4}$/i

/**
 * Reads an address in the form a connected socket reports it. No octal, hex or short IPv4, no zone,
 * no white space: what two programs could read differently is no address here.
 */
export function parseIp(text: string): IpBytes | null {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text)
}

function parseIpv4(text: string): IpBytes | null {
  return ipv4Text.exec(text)?.slice(1).map(Number) ?? null
}

function parseIpv6(text: string): IpBytes | null {
  const [head = '', tail, ...more] = hexTail(text).split('::')
  if (more.length > 0) return null
  if (tail === undefined) return bytesOf(groupsOf(head))
  const left = groupsOf(head)
  const right = groupsOf(tail)
  // "::" stands for at least one group of zeros.
  const zeros = 8 - left.length - right.length
  return zeros < 1 ? null : bytesOf([...left, ...Array<string>(zeros).fill('0'), ...right])
}

function groupsOf(text: string): string[] {
  return text === '' ? [] : text.split(':')
}

function bytesOf(groups: readonly string[]): IpBytes | null {
  if (groups.length !== 8 || !groups.every((group) => ipv6Group.test(group))) return null
  return groups.map((group) => Number.parseInt(group, 16)).flatMap((n) => [n >> 8, n & 0xff])
}

/** `::ffff:1.2.3.4` as `::ffff:102:304`; a wrong dotted part stays and fails as a group. */
function hexTail(text: string): string {
  const start = text.lastIndexOf(':') + 1
  const [a, b, c, d] = parseIpv4(text.slice(start)) ?? []
  if (a === undefined || b === undefined || c === undefined || d === undefined) return text
  return `${text.slice(0, start)}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`
}

/** Reads `10.0.0.0/8`; an address alone is a network of one. Bits behind the prefix must be 0. */
export function parseNetwork(text: string): IpNetwork | null {
  const [address = '', prefix, ...more] = text.split('/')
  const bytes = parseIp(address)
  if (!bytes || more.length > 0) return null
  const prefixBits = prefix === undefined ? bytes.length * 8 : parsePrefix(prefix)
  if (prefixBits > bytes.length * 8) return null
  const network = { bytes, prefixBits }
  return bytes.every((byte, at) => (byte & ~mask(network, at)) === 0) ? network : null
}

function parsePrefix(text: string): number {
  return /^(0|[1-9][0-9]{0,2})$/.test(text) ? Number(text) : Infinity
}

/** Whether the address lies in the network. One family never lies in a network of the other. */
export function isInNetwork(address: IpBytes, network: IpNetwork): boolean {
  if (address.length !== network.bytes.length) return false
  return network.bytes.every((byte, at) => ((address[at] ?? 0) & mask(network, at)) === byte)
}

function mask({ prefixBits }: IpNetwork, at: number): number {
  const bits = Math.min(Math.max(prefixBits - at * 8, 0), 8)
  return (0xff << (8 - bits)) & 0xff
}
