import type { Queryable } from '../db.ts'
import type { CircuitState } from '../rules/circuit.ts'
import type { WireFormat } from '../rules/wire-formats.ts'

/** An endpoint as its lane needs it, secrets and headers still sealed. */
export type LaneEndpointRow = {
  readonly endpointId: string
  readonly workspaceId: string
  readonly version: string
  readonly url: string
  readonly wireFormat: WireFormat
  readonly headersSealed: Buffer | null
  readonly timeoutSeconds: number
  readonly retrySchedule: readonly number[]
  readonly rateLimitPerSecond: number | null
  readonly ordered: boolean
  readonly state: 'ENABLED' | 'DISABLED' | 'DELETED'
  /** Parallel arrays, the newest secret first. */
  readonly secretIds: readonly string[]
  readonly secretsSealed: readonly Buffer[]
  readonly secretsExpireAt: readonly (Date | null)[]
  readonly consecutiveFailures: number | null
  readonly failingSince: Date | null
  readonly lastSuccessAt: Date | null
  readonly circuit: CircuitState | null
  readonly parkedUntil: Date | null
  readonly downSince: Date | null
}

/** By bare id: a lane's job carries nothing else, and each row names its workspace from here on. */
export async function readLaneEndpoints(
  db: Queryable,
  endpointIds: readonly string[],
): Promise<LaneEndpointRow[]> {
  const { rows } = await db.query<LaneEndpointRow>({
    name: 'readLaneEndpoints',
    text: `/* readLaneEndpoints */
      select endpoint.id as "endpointId", endpoint.workspace_id as "workspaceId",
        endpoint.version, endpoint.url, endpoint.wire_format as "wireFormat",
        endpoint.headers_sealed as "headersSealed", endpoint.timeout_seconds as "timeoutSeconds",
        endpoint.retry_schedule as "retrySchedule",
        endpoint.rate_limit_per_second as "rateLimitPerSecond", endpoint.ordered,
        case when endpoint.deleted_at is not null then 'DELETED' else endpoint.status::text end
          as state,
        secret.ids as "secretIds", secret.sealed as "secretsSealed",
        secret.expire_at as "secretsExpireAt",
        health.consecutive_failures as "consecutiveFailures",
        health.failing_since as "failingSince", health.last_success_at as "lastSuccessAt",
        health.circuit, health.parked_until as "parkedUntil",
        health.down_since as "downSince"
      from endpoint
      cross join lateral (
        select coalesce(array_agg(id order by id desc), '{}') as ids,
          coalesce(array_agg(secret_sealed order by id desc), '{}') as sealed,
          coalesce(array_agg(expires_at order by id desc), '{}') as expire_at
        from endpoint_secret
        where endpoint_id = endpoint.id and workspace_id = endpoint.workspace_id
      ) secret
      left join endpoint_health health
        on health.endpoint_id = endpoint.id and health.workspace_id = endpoint.workspace_id
      where endpoint.id = any($1::uuid[])`,
    values: [endpointIds],
  })
  return rows
}

/** How things stand with the endpoint of an open lane. */
export type LaneNews = {
  readonly endpointId: string
  readonly version: string
  /** When its first waiting delivery is due; null: nothing waits, or nobody asked. */
  readonly nextDueAt: Date | null
}

/** Finding the first that waits costs a look at each that was there before it: not for the busy. */
export type NewsWish = { readonly endpointId: string; readonly asksForDue: boolean }

/** What open lanes may have missed: a change of the endpoint, or work published elsewhere. */
export async function readLaneNews(
  db: Queryable,
  wishes: readonly NewsWish[],
): Promise<LaneNews[]> {
  const { rows } = await db.query<LaneNews>({
    name: 'readLaneNews',
    text: `/* readLaneNews */
      select endpoint.id as "endpointId", endpoint.version, case when lane.asks_for_due then (
          select case when endpoint.ordered then coalesce(held_until, due_at) else due_at end
          from due
          where due.endpoint_id = endpoint.id and due.workspace_id = endpoint.workspace_id
          order by due_at, delivery_id limit 1
        ) end as "nextDueAt"
      from unnest($1::uuid[], $2::bool[]) as lane (endpoint_id, asks_for_due)
      join endpoint on endpoint.id = lane.endpoint_id`,
    values: [wishes.map((wish) => wish.endpointId), wishes.map((wish) => wish.asksForDue)],
  })
  return rows
}
