import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** PEM texts, as `node:https` takes them. */
export type Certificate = { readonly cert: string; readonly key: string }

/** For which host, and until when; negative days are in the past. */
export type CertificateRequest = { readonly host: string; readonly days?: number }

/** A certificate authority made for one test file: nothing that can expire is committed. */
export type Authority = AsyncDisposable & {
  readonly ca: string
  readonly issue: (request: CertificateRequest) => Promise<Certificate>
}

const run = promisify(execFile)
const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']

/** Makes an authority with the `openssl` command. */
export async function createAuthority(): Promise<Authority> {
  const dir = await mkdtemp(join(tmpdir(), 'postrider-ca-'))
  const openssl = (...args: readonly string[]) => run('openssl', args, { cwd: dir })
  const read = (file: string) => readFile(join(dir, file), 'utf8')
  const authority = ['-subj', '/CN=authority', '-days', '1', '-keyout', 'ca.key', '-out', 'ca.pem']
  await openssl('req', '-x509', ...newKey, ...authority)

  async function issue({ host, days = 1 }: CertificateRequest): Promise<Certificate> {
    const subject = ['-subj', '/CN=receiver', '-addext', `subjectAltName=DNS:${host}`]
    await openssl('req', ...newKey, ...subject, '-keyout', `${host}.key`, '-out', `${host}.csr`)
    const signer = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial']
    const validity = ['-days', `${days}`, '-copy_extensions', 'copy']
    await openssl(
      'x509',
      '-req',
      '-in',
      `${host}.csr`,
      ...signer,
      ...validity,
      '-out',
      `${host}.pem`,
    )
    return { cert: await read(`${host}.pem`), key: await read(`${host}.key`) }
  }
  return {
    ca: await read('ca.pem'),
    issue,
    [Symbol.asyncDispose]: () => rm(dir, { recursive: true }),
  }
}
