import { z } from 'zod'
import { AppError, type InputIssue, invalidInput } from '../errors.ts'
import {
  descriptionLengthMax,
  externalIdLengthMax,
  rateLimitPerSecondMax,
  timeoutSecondsMax,
  timeoutSecondsMin,
} from '../limits.ts'
import type { Endpoint } from '../model/endpoint.ts'
import { checkCustomHeaders, type CustomHeader } from '../rules/custom-headers.ts'
import { checkEndpointUrl, type UrlRules } from '../rules/endpoint-url.ts'
import { normalisePatterns } from '../rules/event-match.ts'
import { checkMetadata } from '../rules/metadata.ts'
import { checkRetrySchedule } from '../rules/retry-schedule.ts'
import { wireFormatNames } from '../rules/wire-formats.ts'
import { headersContext, type Sealer } from '../seal.ts'
import type { TenantKey } from '../store/endpoint.ts'
import { checked, checkedList, foreignId, freeText, wholeNumber } from './input.ts'

/** The fields of an endpoint with what each may hold, for its creation and its changes. */
export const endpointFields = {
  url: z.string(),
  eventTypes: checkedList(z.string(), (list) => {
    const normalised = normalisePatterns(list)
    return normalised.ok ? [] : normalised.issues
  }),
  description: freeText(descriptionLengthMax, 'MANY_LINES'),
  externalId: foreignId(externalIdLengthMax),
  wireFormat: z.enum(wireFormatNames),
  headers: checkedList(z.object({ name: z.string(), value: z.string() }), checkCustomHeaders),
  timeoutSeconds: wholeNumber(timeoutSecondsMin, timeoutSecondsMax),
  retrySchedule: checkedList(z.number(), checkRetrySchedule),
  rateLimitPerSecond: wholeNumber(1, rateLimitPerSecondMax),
  ordered: z.boolean(),
  metadata: checked(z.unknown(), checkMetadata).transform(
    (value) => value as Record<string, unknown>,
  ),
}

/** Patterns that passed their check, without repeats; `*` replaces whatever stands beside it. */
export function patternsOf(list: readonly string[]): string[] {
  const normalised = normalisePatterns(list)
  return normalised.ok ? [...normalised.patterns] : []
}

/** The canonical text of a URL that requests may go to. */
export function requireUrl(text: string, rules: UrlRules): string {
  const verdict = checkEndpointUrl(text, rules)
  if (verdict.ok) return verdict.url
  const issue: InputIssue = { path: ['url'], message: verdict.message }
  if (verdict.rule === 'INVALID') throw invalidInput([issue])
  throw new AppError('URL_NOT_ALLOWED', `url: ${verdict.message}`, { issues: [issue] })
}

/** Custom headers as they are stored: their values may be credentials. Null: there are none. */
export function sealHeaders(
  sealer: Sealer,
  headers: readonly CustomHeader[],
  { workspaceId, id }: TenantKey,
): Buffer | null {
  if (headers.length === 0) return null
  return sealer.seal(JSON.stringify(headers), headersContext(workspaceId, id))
}

/** The custom headers of an endpoint, or why they cannot be read. */
export type OpenedHeaders =
  | { readonly ok: true; readonly headers: readonly CustomHeader[] }
  | { readonly ok: false; readonly reason: string }

/** Opens what `sealHeaders` sealed. */
export function openHeaders(sealer: Sealer, endpoint: Endpoint): OpenedHeaders {
  const { workspaceId, id, headersSealed } = endpoint
  if (!headersSealed) return { ok: true, headers: [] }
  const opened = sealer.open(headersSealed, headersContext(workspaceId, id))
  return opened.ok ? { ok: true, headers: JSON.parse(opened.text) as CustomHeader[] } : opened
}
