import { once } from 'node:events'

/**
 * Bytes that a process still needs after a full collection, on its heap and beside it, asked over
 * its inspector. What it has from the system says less: a process that has done the same healthy
 * work for a minute has a hundred megabytes more, for it collects late while memory is plenty.
 */
export async function liveBytes(inspectorUrl: string): Promise<number> {
  const targets = await fetch(`${inspectorUrl}/json/list`).then((answer) => answer.json())
  const [target] = targets as { webSocketDebuggerUrl: string }[]
  const socket = new WebSocket(target?.webSocketDebuggerUrl ?? '')
  await once(socket, 'open')
  try {
    await ask(socket, 'HeapProfiler.collectGarbage')
    const { usedSize, backingStorageSize, embedderHeapUsedSize } = await ask<{
      usedSize: number
      backingStorageSize: number
      embedderHeapUsedSize: number
    }>(socket, 'Runtime.getHeapUsage')
    return usedSize + backingStorageSize + embedderHeapUsedSize
  } finally {
    socket.close()
  }
}

let asked = 0

async function ask<Answer>(socket: WebSocket, method: string): Promise<Answer> {
  const id = ++asked
  socket.send(JSON.stringify({ id, method }))
  for (;;) {
    const [event] = (await once(socket, 'message')) as [MessageEvent<string>]
    const message = JSON.parse(event.data) as { id?: number; result: Answer }
    if (message.id === id) return message.result
  }
}
