import { createHash } from 'node:crypto'
import { wireFormatNames, wireFormats } from '../rules/wire-formats.ts'
import type { InboxRequest } from './inbox-request.ts'

/** One inbox for people. Everything that arrived is escaped; the page loads nothing else. */
export function inboxPage(name: string, requests: readonly InboxRequest[]): string {
  const list = requests.length === 0 ? empty(name) : requests.map(article).join('\n')
  const count = `${requests.length} ${requests.length === 1 ? 'request' : 'requests'}`
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(name)} – inbox</title>
<style>${style}</style>
<header><h1>${escape(name)}</h1>
<p>An inbox of Postrider. Newest first, updated by itself. Times are UTC.</p></header>
<main><p class="count">${count}</p>
${list}
</main>
<script>${script}</script>
</html>
`
}

function empty(name: string): string {
  return `<p class="empty">Nothing has arrived yet. Requests sent by <b>POST</b> to
<code>/inbox/${escape(name)}</code> appear here; with <code>?status=500</code> they are refused on
purpose, with <code>?delay=20000</code> the answer takes 20 seconds.</p>`
}

function article(request: InboxRequest, index: number): string {
  const { receivedAt, method, path, status, headers, body } = request
  const time = receivedAt.toISOString()
  const signature = signatureIn(request)
  const rows = headers.map(([name, value]) => {
    const mark = signature === name.toLowerCase() ? ' class="signature"' : ''
    return `<tr${mark}><th>${escape(name)}</th><td>${escape(value)}</td></tr>`
  })
  const verdict = signature ? `signed in ${escape(signature)}` : 'not signed'
  return `<article>
<h2><time datetime="${time}">${time.slice(11, 23)}</time> ${escape(method)} ${escape(path)}</h2>
<p><span class="${status < 300 ? 'good' : 'bad'}">answered ${status}</span>
<span class="${signature ? 'good' : 'quiet'}">${verdict}</span></p>
<pre>${escape(readable(body))}</pre>
<details${index === 0 ? ' open' : ''}><summary>${headers.length} headers</summary>
<table>${rows.join('')}</table></details>
</article>`
}

const signatureHeaders = new Set(
  wireFormatNames.map((format) => wireFormats[format].signature.header.toLowerCase()),
)

/** The header with the signature, in lower case. Whether it is right, its owner can tell. */
function signatureIn({ headers }: InboxRequest): string | undefined {
  return headers.map(([name]) => name.toLowerCase()).find((name) => signatureHeaders.has(name))
}

/** Indented where that changes nothing but white space: numbers may be longer than JSON.parse's. */
function readable(body: string): string {
  try {
    const parsed: unknown = JSON.parse(body)
    const compact = JSON.stringify(parsed)
    return compact === body ? JSON.stringify(parsed, null, 2) : body
  } catch {
    return body
  }
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? '')
}

const style = `
:root { color-scheme: light dark;
  --line: light-dark(#ddd, #3a3a3a); --quiet: light-dark(#666, #999);
  --good: light-dark(#176d38, #6fd694); --bad: light-dark(#b3261e, #ff8f86);
  --raised: light-dark(#f6f6f6, #232323) }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.4rem; margin: 0 } header p, .count, .quiet { color: var(--quiet) }
h2 { font: 600 .95rem ui-monospace, monospace; margin: 0; overflow-wrap: anywhere }
header p, article p { margin: .25rem 0 } article p span { margin-right: 1rem }
article { border-top: 1px solid var(--line); padding: 1rem 0 } time { color: var(--quiet) }
.good { color: var(--good) } .bad { color: var(--bad) }
pre { background: var(--raised); padding: .75rem 1rem; border-radius: 6px; margin: .5rem 0;
  white-space: pre-wrap; overflow-wrap: anywhere; max-height: 24rem; overflow-y: auto }
code, pre, table { font: 13px/1.5 ui-monospace, monospace } summary { cursor: pointer }
th { text-align: left; font-weight: 400; color: var(--quiet); padding-right: 1rem;
  vertical-align: top; white-space: nowrap } td { overflow-wrap: anywhere }
.signature th, .signature td { color: var(--good) }
`

// Looks every second while it is seen, and leaves the page alone while nothing new is there: what
// a reader opened or selected stays as it is.
const script = `
setInterval(async () => {
  if (document.hidden) return
  const answer = await fetch(location.href, { headers: { accept: 'text/html' } }).catch(() => null)
  if (!answer?.ok) return
  const page = new DOMParser().parseFromString(await answer.text(), 'text/html')
  const [shown, found] = [document, page].map((root) => root.querySelector('main'))
  if (shown.textContent !== found.textContent) shown.replaceWith(found)
}, 1000)
`

const scriptHash = createHash('sha256').update(script).digest('base64')

/** A page that may run its own script and talk to us, and nothing else, whatever arrived. */
export const pageHeaders = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy':
    `default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-${scriptHash}'; ` +
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
}
