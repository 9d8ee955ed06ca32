import { invalidInput } from '../../errors.ts'
import type { ChangePosition } from '../../store/change.ts'
import { idOfBytes, idToBytes } from './connection.ts'
import type { CursorScope, Cursors } from './cursor.ts'

/** The feed's cursors are good for one workspace, whatever the filter. */
function scopeOf(workspaceId: string): CursorScope {
  return { list: 'deliveryChanges', workspaceId }
}

/** 8 bytes of transaction, 16 of row, 4 of place in the row. */
export function writeStreamCursor(
  cursors: Cursors,
  workspaceId: string,
  { xid, id, index }: ChangePosition,
): string {
  const position = Buffer.alloc(28)
  position.writeBigUInt64BE(xid)
  idToBytes(id).copy(position, 8)
  position.writeUInt32BE(index, 24)
  return cursors.write(scopeOf(workspaceId), position)
}

/** The place a cursor stands for. Refused unless this workspace's feed gave it out. */
export function readStreamCursor(
  cursors: Cursors,
  workspaceId: string,
  text: string,
): ChangePosition {
  const position = cursors.read(scopeOf(workspaceId), text)
  if (position?.length !== 28) {
    throw invalidInput([{ path: ['after'], message: 'not a valid cursor.' }])
  }
  return {
    xid: position.readBigUInt64BE(),
    id: idOfBytes(position.subarray(8, 24)),
    index: position.readUInt32BE(24),
  }
}
