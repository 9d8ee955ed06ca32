import type { ApiKey } from '../../model/api-key.ts'
import type { AuditEntry } from '../../model/audit-entry.ts'
import type { Endpoint } from '../../model/endpoint.ts'
import type { EventType } from '../../model/event-type.ts'
import type { Replay } from '../../model/replay.ts'
import type { Workspace } from '../../model/workspace.ts'
import type { StoredAttempt } from '../../store/attempt.ts'
import type { StoredDelivery } from '../../store/delivery.ts'
import type { StoredEvent } from '../../store/event.ts'
import { builder } from './builder.ts'

/**
 * The types that others point at, apart from the files that describe them: an endpoint has
 * deliveries and a delivery an endpoint, and files must not import each other in a circle.
 */
export const WorkspaceRef = builder.objectRef<Workspace>('Workspace')
/** See {@link WorkspaceRef}. */
export const ApiKeyRef = builder.objectRef<ApiKey>('ApiKey')
/** See {@link WorkspaceRef}. */
export const EventTypeRef = builder.objectRef<EventType>('EventType')
/** See {@link WorkspaceRef}. */
export const EndpointRef = builder.objectRef<Endpoint>('Endpoint')
/** See {@link WorkspaceRef}. */
export const DeliveryRef = builder.objectRef<StoredDelivery>('Delivery')
/** See {@link WorkspaceRef}. */
export const EventRef = builder.objectRef<StoredEvent>('Event')
/** See {@link WorkspaceRef}. */
export const AttemptRef = builder.objectRef<StoredAttempt>('DeliveryAttempt')
/** See {@link WorkspaceRef}. */
export const AuditLogEntryRef = builder.objectRef<AuditEntry>('AuditLogEntry')
/** See {@link WorkspaceRef}. */
export const ReplayRef = builder.objectRef<Replay>('Replay')
