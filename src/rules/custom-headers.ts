import {
  customHeaderNameLengthMax,
  customHeaderValueBytesMax,
  customHeadersBytesMax,
  customHeadersMax,
} from '../limits.ts'
import { headerNamesOf, wireFormatNames } from './wire-formats.ts'

/** A header that an endpoint's owner adds to every request. */
export type CustomHeader = { readonly name: string; readonly value: string }

/** What is wrong, and with which header; no index means the list as a whole. */
export type CustomHeaderIssue = {
  readonly index: number | undefined
  readonly field: 'name' | 'value' | undefined
  readonly message: string
}

/** Frame the message or name its sender; `content-*` too. */
const framing = ['host', 'user-agent', 'date', 'expect', 'te', 'trailer', 'transfer-encoding']

/** Belong to one connection (RFC 9110 section 7.6.1); `proxy-*` too. */
const hopByHop = ['connection', 'keep-alive', 'upgrade', 'http2-settings', 'alt-used']

/**
 * By these, cloud metadata services and secret stores recognise a caller they may trust: sent by
 * us to an address that slipped through, they would turn a nuisance into stolen credentials.
 */
const metadata = [
  'metadata',
  'metadata-flavor',
  'x-google-metadata-request',
  'x-metadata-token',
  'x-aws-ec2-metadata-token',
  'x-aws-ec2-metadata-token-ttl-seconds',
  'x-aliyun-ecs-metadata-token',
  'x-aliyun-ecs-metadata-token-ttl-seconds',
  'x-identity-header',
  'x-vault-request',
]

/** Headers of every format are reserved, whichever the endpoint has today: it can be changed. */
const ofFormats = wireFormatNames.flatMap(headerNamesOf).map((name) => name.toLowerCase())

const reservedNames = new Set([...framing, ...hopByHop, ...metadata, ...ofFormats])
const reservedPrefixes = ['content-', 'proxy-']

/** All that is wrong with the custom headers of an endpoint. Values are never repeated. */
export function checkCustomHeaders(headers: readonly CustomHeader[]): CustomHeaderIssue[] {
  return [...checkSizes(headers), ...headers.flatMap(checkHeader), ...findRepeats(headers)]
}

/** What stands in place of a credential. */
export const redacted = 'REDACTED'

/** Whether a header's value is shown as REDACTED once it is stored: better one too many. */
export function isSecretHeader(name: string): boolean {
  return /auth|cookie|token|secret|passw|pwd|key|credential|session|jwt|bearer/i.test(name)
}

function checkSizes(headers: readonly CustomHeader[]): CustomHeaderIssue[] {
  const issues: CustomHeaderIssue[] = []
  const add = (message: string) => issues.push({ index: undefined, field: undefined, message })
  if (headers.length > customHeadersMax) {
    add(`${headers.length} headers, limit ${customHeadersMax}.`)
  }
  const bytes = headers.reduce((sum, { name, value }) => sum + name.length + value.length, 0)
  if (bytes > customHeadersBytesMax) add(`${bytes} bytes in all, limit ${customHeadersBytesMax}.`)
  return issues
}

function checkHeader({ name, value }: CustomHeader, index: number): CustomHeaderIssue[] {
  const issues: CustomHeaderIssue[] = []
  const inName = checkName(name)
  const inValue = checkValue(value)
  if (inName) issues.push({ index, field: 'name', message: `${quote(name)}: ${inName}` })
  if (inValue) issues.push({ index, field: 'value', message: inValue })
  return issues
}

function checkName(name: string): string | undefined {
  if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) return 'not a valid header name.'
  if (name.length > customHeaderNameLengthMax) {
    const limit = customHeaderNameLengthMax
    return `not a valid header name (${name.length} characters, limit ${limit}).`
  }
  const lower = name.toLowerCase()
  const reserved = reservedPrefixes.some((prefix) => lower.startsWith(prefix))
  return reserved || reservedNames.has(lower) ? 'this header is reserved.' : undefined
}

/**
 * One byte a character is sent (ISO 8859-1), so the length is the number of bytes. Spaces around
 * a value are no part of it on the wire (RFC 9110 section 5.5): the log would show what the
 * receiver never saw.
 */
function checkValue(value: string): string | undefined {
  const wrong = value.search(/[^\t\u0020-\u007e\u0080-\u00ff]/)
  if (wrong >= 0) {
    const code = value.charCodeAt(wrong).toString(16).toUpperCase().padStart(4, '0')
    return `U+${code} cannot be sent in a header (position ${wrong}).`
  }
  if (/^[\t ]|[\t ]$/.test(value)) return 'starts or ends with a space.'
  if (value.length <= customHeaderValueBytesMax) return undefined
  return `${value.length} bytes, limit ${customHeaderValueBytesMax}.`
}

/** Names are compared without case; the name shown is the one that was given first. */
function findRepeats(headers: readonly CustomHeader[]): CustomHeaderIssue[] {
  const firsts = new Map<string, string>()
  return headers.flatMap(({ name }, index) => {
    const first = firsts.get(name.toLowerCase())
    if (first === undefined) firsts.set(name.toLowerCase(), name)
    if (first === undefined) return []
    const message = `${quote(first)} is given twice (names are case-insensitive).`
    return [{ index, field: 'name' as const, message }]
  })
}

/** A name as given, escaped and cut: it goes into a message. */
function quote(name: string): string {
  return JSON.stringify(name.length > 40 ? `${name.slice(0, 40)}…` : name)
}
