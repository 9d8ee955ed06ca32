import type { Answer, Exchange } from '../http.ts'
import { graphiqlTabs } from './graphiql-tabs.ts'

/** What the page is filled with: the key to try things with, once there is one. */
export type GraphiqlWish = { readonly key: () => string | null }

/**
 * GraphiQL from its package, whole in one page: it loads nothing, from us or anybody. The key is
 * for those alone who sit at this machine and called it by its own name; a page elsewhere whose
 * name was made to point here (DNS rebinding) gets none.
 */
export function graphiqlPage({ key }: GraphiqlWish) {
  return async ({ request }: Exchange): Promise<Answer> => {
    const { localPort, remoteAddress = '' } = request.socket
    const isOwner = isLoopback(remoteAddress) && isLoopback(hostIn(request.headers.host))
    const shownKey = isOwner ? key() : null
    const headers = { Authorization: `Bearer ${shownKey ?? '<your key>'}` }
    const settings = {
      tabs: graphiqlTabs(`http://127.0.0.1:${localPort}`),
      headers: JSON.stringify(headers, null, 2),
    }
    return { status: 200, headers: pageHeaders, body: await page(settings) }
  }
}

function hostIn(header = ''): string {
  return URL.parse(`http://${header}`)?.hostname ?? ''
}

function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d+){3}|(::ffff:)127(\.\d+){3}|\[?::1\]?)$/.test(host)
}

const pageHeaders = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy':
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval' blob:; worker-src blob:; " +
    "style-src 'unsafe-inline'; img-src data:; font-src data:; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
}

/** Loaded with the first look at it: 9 MB that a process without GraphiQL never holds. */
async function page(settings: object): Promise<string> {
  const { css, js, editorWorkerService, jsonWorker, graphqlWorker } =
    await import('@graphql-yoga/render-graphiql/graphiql')
  const workers = { editorWorkerService, json: jsonWorker, graphql: graphqlWorker }
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Postrider</title>
<link rel="icon" href="data:,">
<style>${css}</style>
<style>${ownStyle}</style>
</head>
<body>
<noscript>GraphiQL needs JavaScript.</noscript>
<div id="root"></div>
<script>
const workers = ${asScript(workers)}
self.MonacoEnvironment = {
  getWorkerUrl: (module, label) =>
    URL.createObjectURL(new Blob([workers[label]], { type: 'application/javascript' })),
}
</script>
<script>${js}</script>
<script>
const settings = ${asScript(settings)}
${start}
</script>
</body>
</html>
`
}

// The package leaves tabs shifted by where they stood while the page was built, and shows it as
// soon as one is pressed: the tab jumps away from under the pointer, and the click is lost.
const ownStyle = `
body { margin: 0 }
#root { height: 100vh }
.graphiql-tab { transform: none !important }
`

/** A literal that cannot end the script it stands in. */
function asScript(value: object): string {
  return JSON.stringify(value).replaceAll('<', '\\u003c')
}

// The package's own start takes settings as JSON alone, so it cannot give a socket the headers that
// were typed in; and it writes each edit into the address, where a reload would run it as a query.
const start = `
const isFirstVisit = localStorage.getItem('graphiql:tabState') === null
let headers = settings.headers
YogaGraphiQL.renderYogaGraphiQL(document.querySelector('#root'), {
  endpoint: '/graphql',
  title: 'Postrider',
  logo: '',
  headers,
  defaultTabs: settings.tabs,
  // Of the tab that is seen first, whose own are not looked at.
  variables: isFirstVisit ? settings.tabs[0].variables : undefined,
  defaultEditorToolsVisibility: 'variables',
  shouldPersistHeaders: false,
  subscriptionsProtocol: 'WS',
  connectionParams: () => JSON.parse(headers || '{}'),
  onEditHeaders: (text) => { headers = text },
  onTabChange: ({ tabs, activeTabIndex }) => {
    headers = tabs[activeTabIndex].headers ?? settings.headers
  },
  onEditQuery: () => {},
})
`
