import { createSocket } from 'node:dgram'
import { once } from 'node:events'

/** Addresses of a name; none is "no such name"; 'silent' never answers. */
export type Zone = Readonly<Record<string, readonly string[] | 'silent' | 'broken'>>

/** A DNS server on loopback. `asked` counts the questions for a name, of both families. */
export type DnsServer = AsyncDisposable & {
  readonly address: string
  readonly asked: (name: string) => number
}

const types = { a: 1, aaaa: 28 } as const
const codes = { ok: 0, broken: 2, absent: 3 } as const

/** Starts a server that answers A and AAAA questions from a table. */
export async function startDnsServer(zone: Zone): Promise<DnsServer> {
  const counts = new Map<string, number>()
  const socket = createSocket('udp4', (query, { address, port }) => {
    const { name, type, end } = readQuestion(query)
    counts.set(name, (counts.get(name) ?? 0) + 1)
    const entry = zone[name] ?? []
    if (entry === 'silent') return
    socket.send(reply(query.subarray(0, end), entry, type), port, address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return {
    address: `127.0.0.1:${socket.address().port}`,
    asked: (name) => counts.get(name) ?? 0,
    [Symbol.asyncDispose]: () => new Promise((resolve) => socket.close(resolve)),
  }
}

function readQuestion(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = []
  let at = 12
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length))
    at += length + 1
  }
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 }
}

function reply(question: Buffer, entry: readonly string[] | 'broken', type: number): Buffer {
  const known = entry === 'broken' ? [] : entry
  const wanted = known.filter((ip) => (ip.includes(':') ? types.aaaa : types.a) === type)
  const code = entry === 'broken' ? codes.broken : known.length === 0 ? codes.absent : codes.ok
  const head = Buffer.from(question)
  head.writeUInt16BE(0x8180 | code, 2)
  head.writeUInt16BE(wanted.length, 6)
  head.writeUInt32BE(0, 8)
  return Buffer.concat([head, ...wanted.map((ip) => record(ip, type))])
}

function record(ip: string, type: number): Buffer {
  const bytes = addressBytes(ip)
  const head = Buffer.alloc(12)
  // The name is the question's, by pointer.
  head.writeUInt16BE(0xc00c, 0)
  head.writeUInt16BE(type, 2)
  head.writeUInt16BE(1, 4)
  head.writeUInt16BE(bytes.length, 10)
  return Buffer.concat([head, bytes])
}

function addressBytes(ip: string): Buffer {
  if (!ip.includes(':')) return Buffer.from(ip.split('.').map(Number))
  const [left = [], right = []] = ip.split('::').map((part) => (part ? part.split(':') : []))
  const zeros = Array<string>(8 - left.length - right.length).fill('0')
  const groups = [...left, ...zeros, ...right].map((group) => group.padStart(4, '0'))
  return Buffer.from(groups.join(''), 'hex')
}
