import { execFile } from 'node:child_process'
import { copyFile, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../', import.meta.url))

/** Follows nobody, where there is nothing that Node 20 lacks. */
const program = `
  delete Promise.withResolvers
  delete globalThis.WebSocket
  const { followDeliveries } = await import('postrider/client')
  const { WebSocket: webSocketImpl } = await import('ws')
  const aborting = new AbortController()
  const onRetry = ({ reason }) => (console.log(reason), aborting.abort())
  const wish = { url: 'http://127.0.0.1:1/', key: 'x', webSocketImpl, onRetry }
  for await (const item of followDeliveries({ ...wish, signal: aborting.signal })) item
`

test('the installed client runs, on Node 20 as well', async () => {
  await using resources = new AsyncDisposableStack()
  const folder = resources.adopt(await mkdtemp(join(tmpdir(), 'postrider-client-')), (path) => {
    return rm(path, { recursive: true })
  })
  const installed = join(folder, 'node_modules', 'postrider')
  const outDir = join(installed, 'dist')
  await run(
    join(root, 'node_modules/.bin/tsc'),
    ['-p', 'tsconfig.client.json', '--outDir', outDir],
    {
      cwd: root,
    },
  )
  await copyFile(join(root, 'package.json'), join(installed, 'package.json'))
  for (const name of ['graphql', 'graphql-ws', 'ws']) {
    await symlink(join(root, 'node_modules', name), join(folder, 'node_modules', name))
  }
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: folder,
  })
  expect(stdout).toContain('ECONNREFUSED')
})
