import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openKeyring } from '../../src/first-run/keyring.ts'
import { newSealer } from '../../src/seal.ts'
import { temporaryFolder } from '../support/temporary-server.ts'

test('keys are made once and outlive the process', async () => {
  await using folder = await temporaryFolder()
  const dataDir = join(folder.path, 'new')
  const first = await openKeyring(dataDir)
  await first.keepWorkspaceKey('pr_kept')
  const second = await openKeyring(dataDir)

  expect(second.adminKey).toBe(first.adminKey)
  expect(second.workspaceKey()).toBe('pr_kept')
  const sealed = newSealer(first.encryptionKeys).seal('secret', 'row')
  expect(newSealer(second.encryptionKeys).open(sealed, 'row')).toEqual({ ok: true, text: 'secret' })
})

test('two directories have different keys', async () => {
  await using folder = await temporaryFolder()
  const one = await openKeyring(join(folder.path, 'one'))
  const two = await openKeyring(join(folder.path, 'two'))
  expect(one.adminKey).not.toBe(two.adminKey)
  expect(one.encryptionKeys[0]?.key).not.toEqual(two.encryptionKeys[0]?.key)
})

test('nobody else may read the keys', async () => {
  await using folder = await temporaryFolder()
  const keyring = await openKeyring(folder.path)
  await keyring.keepWorkspaceKey('pr_kept')
  const { mode } = await stat(join(folder.path, 'keys.json'))
  expect((mode & 0o777).toString(8)).toBe('600')
})

test.each(['', '{', '{}', '{"adminKey":"short","encryptionKeys":"x","workspaceKey":null}'])(
  'a file without its keys stays as it is: %j',
  async (text) => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'keys.json')
    await writeFile(path, text)
    await expect(openKeyring(folder.path)).rejects.toThrow(`${path} does not hold the keys`)
    expect(await readFile(path, 'utf8')).toBe(text)
  },
)
