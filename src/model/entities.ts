import { AuditEntryEntity } from './audit-entry.ts'
import { ApiKeyEntity } from './api-key.ts'
import { EndpointEntity } from './endpoint.ts'
import { EndpointHealthEntity } from './endpoint-health.ts'
import { EndpointSecretEntity } from './endpoint-secret.ts'
import { EventTypeEntity } from './event-type.ts'
import { ReplayEntity } from './replay.ts'
import { WorkspaceEntity } from './workspace.ts'

/** Every table the ORM maps: what people set up. The log is read and written in plain SQL. */
export const entities = [
  WorkspaceEntity,
  ApiKeyEntity,
  EventTypeEntity,
  EndpointEntity,
  EndpointSecretEntity,
  EndpointHealthEntity,
  AuditEntryEntity,
  ReplayEntity,
]
