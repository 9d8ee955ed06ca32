import { createHttpPost } from '../../src/egress/http-post.ts'
import type { HttpPost, HttpPostOptions } from '../../src/egress/http-post.ts'
import type { PostRequest } from '../../src/egress/exchange.ts'
import { parseCidrs } from '../../src/rules/address.ts'
import type { AddressPolicy } from '../../src/rules/address.ts'

/** The policy of a list of networks. */
export function allow(networks: string): AddressPolicy {
  const cidrs = parseCidrs(networks)
  if (!cidrs.ok) throw new Error(cidrs.message)
  return cidrs.policy
}

/** A sender that may reach IPv4 loopback. */
export function sender(options: Partial<HttpPostOptions> = {}): HttpPost {
  return createHttpPost({ policy: allow('127.0.0.0/8'), ...options })
}

/** A small request to a URL. */
export function to(url: string, rest: Partial<PostRequest> = {}): PostRequest {
  const headers = [['content-type', 'application/json']] as const
  return { url, headers, body: Buffer.from('{"a":1}'), timeoutMs: 5_000, ...rest }
}
