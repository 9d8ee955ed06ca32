import { domainToUnicode } from 'node:url'
import { urlLengthMax } from '../limits.ts'
import { judgeAddress, opensPrivateNetwork } from './address.ts'
import type { AddressPolicy } from './address.ts'
import { isDnsName, isInternalName, isLoopbackName } from './host-name.ts'
import { parseIp } from './ip.ts'

/**
 * INVALID is no URL, or one that programs read differently; NOT_ALLOWED is a URL we refuse.
 * The message is for the caller: it says which rule refused, never what a name resolves to, and
 * continues "url: ". `url` is the canonical text, and is what must be stored and sent to.
 */
export type EndpointUrlCheck =
  | { readonly ok: true; readonly url: string }
  | {
      readonly ok: false
      readonly rule: 'INVALID' | 'NOT_ALLOWED'
      readonly message: string
    }

/** What the operator allows. */
export type UrlRules = {
  readonly httpsOnly: boolean
  readonly policy: AddressPolicy
}

type Refusal = Extract<EndpointUrlCheck, { ok: false }>

/**
 * Judges an endpoint's URL by its text alone; nothing is resolved. A name that passes may still
 * resolve to a refused address, which the connection finds out each time it is made.
 */
export function checkEndpointUrl(text: string, rules: UrlRules): EndpointUrlCheck {
  const written = readWritten(text)
  if (!('host' in written)) return written
  const url = URL.parse(text)
  if (!url) return invalid('not a valid URL.')
  const host = withoutDot(url.hostname)
  const refusal =
    refuseSpelling(withoutDot(written.host), host) ??
    refuseScheme(url, rules) ??
    refusePort(url.port) ??
    refuseHost(host, rules)
  if (refusal) return refusal
  url.hostname = host
  return url.href.length > urlLengthMax ? tooLong(url.href.length) : { ok: true, url: url.href }
}

/**
 * Reads what was written before the URL parser repairs it: it drops tabs and new lines, turns a
 * backslash into a slash, and accepts any number of slashes.
 */
function readWritten(text: string): Refusal | { host: string } {
  if (text.length > urlLengthMax) return tooLong(text.length)
  if (/[\s\\]|\p{Cc}|\p{Cf}/u.test(text)) {
    return invalid('contains white space, a backslash or an invisible character.')
  }
  const scheme = /^[a-z][a-z0-9+.-]*(?=:)/i.exec(text)?.[0].toLowerCase()
  if (scheme === undefined) return invalid('must start with https://.')
  if (scheme !== 'https' && scheme !== 'http') return notAllowed(`${scheme} is not allowed.`)
  const authority = /^[a-z]+:\/\/([^/?#]+)/i.exec(text)?.[1]
  if (authority === undefined) return invalid(`must start with ${scheme}:// and a host.`)
  if (authority.includes('@')) return notAllowed('a user name or password is not allowed.')
  if (text.includes('#')) return notAllowed('a fragment (#) is never sent and not allowed.')
  return { host: authority.replace(/:[0-9]*$/, '') }
}

/**
 * The host must be written as it is read, so that `0x7f.1`, `１２７.0.0.1` or `%31` mean nothing
 * else than they show. International names may be in either form.
 */
function refuseSpelling(written: string, host: string): Refusal | null {
  const lower = written.normalize('NFC').toLowerCase()
  if (lower === host || lower === domainToUnicode(host)) return null
  return invalid(`the host must be written as ${host}.`)
}

/** One dot at the end is the same name; receivers' certificates are without. */
function withoutDot(host: string): string {
  return host.endsWith('.') ? host.slice(0, -1) : host
}

function refuseScheme(url: URL, { httpsOnly }: UrlRules): Refusal | null {
  return httpsOnly && url.protocol === 'http:'
    ? notAllowed('http is not allowed, use https.')
    : null
}

/** Ports at or above 1024 at which browsers do not speak HTTP either (WHATWG Fetch, "bad port"). */
const badPorts = new Set([
  1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669,
  6679, 6697, 10080,
])

/** Below 1024 other protocols listen: mail, SSH. A signed request must not become one of theirs. */
function refusePort(text: string): Refusal | null {
  const port = Number(text)
  if (text === '' || port === 80 || port === 443) return null
  return port < 1024 || badPorts.has(port) ? notAllowed(`port ${port} is not allowed.`) : null
}

function refuseHost(host: string, rules: UrlRules): Refusal | null {
  const literal = host.startsWith('[') ? host.slice(1, -1) : host
  return parseIp(literal) ? refuseAddress(literal, rules.policy) : refuseName(host, rules.policy)
}

function refuseAddress(ip: string, policy: AddressPolicy): Refusal | null {
  const verdict = judgeAddress(ip, policy)
  return verdict.allowed ? null : notAllowed(`${ip} is not a public address: ${verdict.reason}.`)
}

/**
 * Internal names pass where the operator opened a private network, as they are how its machines
 * are called there; which of them may be reached is judged by their addresses.
 */
function refuseName(host: string, policy: AddressPolicy): Refusal | null {
  if (!isDnsName(host)) return invalid(`${host} is not a valid host name.`)
  if (!isInternalName(host) || opensPrivateNetwork(policy)) return null
  if (isLoopbackName(host) && policy.length > 0) return null
  return notAllowed(`${host} is not a public host name.`)
}

function tooLong(length: number): Refusal {
  return invalid(`${length} characters, limit ${urlLengthMax}.`)
}

function invalid(message: string): Refusal {
  return { ok: false, rule: 'INVALID', message }
}

function notAllowed(message: string): Refusal {
  return { ok: false, rule: 'NOT_ALLOWED', message }
}
