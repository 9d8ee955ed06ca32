import { defineEntity, type InferEntity, p } from '@mikro-orm/core'
import { wireFormatNames } from '../rules/wire-formats.ts'

/** One customer of the platform, as stored. All other tenant tables name their workspace. */
export const WorkspaceEntity = defineEntity({
  name: 'Workspace',
  tableName: 'workspace',
  properties: {
    id: p.uuid().primary(),
    name: p.text(),
    /** The operator's own id of this tenant. */
    externalId: p.text().nullable(),
    /** What its endpoints speak unless they say otherwise. */
    wireFormat: p.enum(wireFormatNames).nativeEnumName('wire_format'),
    createdAt: p.datetime(3),
    /** From then on nobody finds it. */
    deletedAt: p.datetime(3).nullable(),
  },
})

/** A workspace, as read. */
export type Workspace = InferEntity<typeof WorkspaceEntity>
