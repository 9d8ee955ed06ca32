import { execFile } from 'node:child_process'
import { copyFile, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../', import.meta.url))

test('the client runs where the package was installed', async () => {
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
  for (const name of ['graphql', 'graphql-ws']) {
    await symlink(join(root, 'node_modules', name), join(folder, 'node_modules', name))
  }
  const program = `import('postrider/client').then((client) => console.log(Object.keys(client)))`
  const { stdout } = await run(process.execPath, ['--eval', program], { cwd: folder })
  expect(stdout).toContain('followDeliveries')
})
