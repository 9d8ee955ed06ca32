import type { AttemptTrigger } from '../rules/delivery-state.ts'
import type { AttemptResult } from '../rules/outcome.ts'
import type { Read } from './reads.ts'
import { boundsOf } from './slice.ts'

/** Which attempt: its delivery and its place among that delivery's attempts, from 1. */
export type AttemptKey = { readonly deliveryId: string; readonly number: number }

/** One request and how it ended, as stored, without what was said. */
export type StoredAttempt = AttemptKey & {
  readonly workspaceId: string
  readonly trigger: AttemptTrigger
  readonly result: AttemptResult
  readonly errorMessage: string | null
  readonly startedAt: Date
  readonly durationMs: number
  /** Null: there was no answer. */
  readonly statusCode: number | null
}

/** What was said in an attempt, up to 40 KB of it. */
export type StoredExchange = AttemptKey & {
  readonly url: string
  /** Lines as sent, `name: value` each. */
  readonly requestHeaders: string
  readonly responseHeaders: string | null
  readonly responseBody: Buffer | null
  readonly responseBodyTruncated: boolean
}

const columns = `delivery_id as "deliveryId", number, workspace_id as "workspaceId", trigger,
  result, error_message as "errorMessage", started_at as "startedAt",
  duration_ms as "durationMs", status_code as "statusCode"`

/** All attempts of the given deliveries of one workspace, each delivery's oldest first. */
export function readAttemptsOf(
  read: Read,
  workspaceId: string,
  deliveryIds: readonly string[],
): Promise<StoredAttempt[]> {
  return read({
    text: `/* readAttemptsOf */
      select ${columns} from attempt
      where workspace_id = $1 and delivery_id = any($2::uuid[])
        and delivery_id between $3 and $4
      order by delivery_id, number`,
    values: [workspaceId, deliveryIds, ...boundsOf(deliveryIds)],
  })
}

/** Those of the given attempts that this workspace has, in no particular order. */
export function readAttempts(
  read: Read,
  workspaceId: string,
  keys: readonly AttemptKey[],
): Promise<StoredAttempt[]> {
  return read({
    text: `/* readAttempts */
      select ${columns} from attempt
      where workspace_id = $1 and delivery_id = any($2::uuid[])
        and delivery_id between $4 and $5
        and (delivery_id, number) in (select * from unnest($2::uuid[], $3::smallint[]))`,
    values: [workspaceId, ...keyColumns(keys)],
  })
}

/** Apart from the rest of an attempt: lists of attempts are read far more often than bodies. */
export function readExchanges(
  read: Read,
  workspaceId: string,
  keys: readonly AttemptKey[],
): Promise<StoredExchange[]> {
  return read({
    text: `/* readExchanges */
      select delivery_id as "deliveryId", number, url, request_headers as "requestHeaders",
        response_headers as "responseHeaders", response_body as "responseBody",
        response_body_truncated as "responseBodyTruncated"
      from attempt
      where workspace_id = $1 and delivery_id = any($2::uuid[])
        and delivery_id between $4 and $5
        and (delivery_id, number) in (select * from unnest($2::uuid[], $3::smallint[]))`,
    values: [workspaceId, ...keyColumns(keys)],
  })
}

function keyColumns(keys: readonly AttemptKey[]): unknown[] {
  const deliveryIds = keys.map((key) => key.deliveryId)
  return [deliveryIds, keys.map((key) => key.number), ...boundsOf(deliveryIds)]
}
