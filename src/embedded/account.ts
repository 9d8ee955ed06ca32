import { readFile, stat } from 'node:fs/promises'

/** Who the database runs as. */
export type Account = { readonly uid: number; readonly gid: number }

/**
 * PostgreSQL refuses to run as root: then another user runs it, the owner of the data if there is
 * data already. Null: as whoever runs us.
 */
export async function serverAccount(dataFolder: string): Promise<Account | null> {
  if (process.getuid?.() !== 0) return null
  const owner = await stat(dataFolder).catch(() => null)
  if (owner && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid }
  const account = pickAccount(await readFile('/etc/passwd', 'utf8').catch(() => ''))
  if (account) return account
  throw new Error(
    'PostgreSQL does not run as root, and /etc/passwd names no other user. Add one, or set ' +
      'DATABASE_URL.',
  )
}

/** It has to be somebody with a name: `initdb` looks its user up. macOS gives nobody uid -2. */
function pickAccount(passwd: string): Account | undefined {
  const lines = passwd.split('\n').map((line) => line.split(':'))
  const users = lines.filter((fields) => Number(fields[2]) > 0)
  const named = (name: string) => users.find((fields) => fields[0] === name)
  const fields = named('postgres') ?? named('nobody') ?? users[0]
  return fields && { uid: Number(fields[2]), gid: Number(fields[3]) }
}
