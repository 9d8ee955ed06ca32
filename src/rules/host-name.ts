/** Underscores are not in RFC 1123, but are common in practice and resolve everywhere. */
const dnsLabel = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/

/** Whether DNS could hold the name: lower case, 253 characters, labels of 1 to 63 (RFC 1035). */
export function isDnsName(host: string): boolean {
  return host.length <= 253 && host.split('.').every((label) => dnsLabel.test(label))
}

/** RFC 6761: resolves to loopback without asking anybody. */
export function isLoopbackName(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost')
}

/**
 * Top-level names that no public DNS holds: reserved by RFC 2606, 6761, 6762, 7686, 8375 and 9476,
 * by ICANN for private use (internal), or never to be delegated because networks use them.
 */
const internalSuffixes = new Set([
  'alt',
  'arpa',
  'corp',
  'example',
  'home',
  'internal',
  'intranet',
  'invalid',
  'lan',
  'local',
  'localdomain',
  'localhost',
  'mail',
  'onion',
  'private',
  'svc',
  'test',
])

/** Names only a private network can resolve: containers, cluster services, a single label. */
export function isInternalName(host: string): boolean {
  const dot = host.lastIndexOf('.')
  return dot === -1 || internalSuffixes.has(host.slice(dot + 1))
}
