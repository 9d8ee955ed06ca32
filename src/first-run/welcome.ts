/** What a newcomer is told. */
export type Welcome = {
  readonly version: string
  /** Where the program is reached, without a slash at its end. */
  readonly origin: string
  readonly adminKey: string
  readonly workspaceId: string
  readonly workspaceKey: string
  readonly dataDir: string
}

/** What stands on the terminal when the embedded default is ready: plain text, to copy from. */
export function welcome(wish: Welcome): string {
  const { version, origin, adminKey, workspaceId, workspaceKey, dataDir } = wish
  return `
Postrider ${version} is ready.

  GraphiQL       ${origin}/graphql
  Inbox          ${origin}/inbox/first
  Operator key   ${adminKey}
  Workspace      ${workspaceId}, "First workspace"
  Its key        ${workspaceKey}

The whole tour is in GraphiQL: run its four tabs from left to right.
Or copy these into another terminal, one after the other:

1. Create an endpoint. Its receiver is the inbox above: open that in a browser.

  KEY=${workspaceKey}
${curl(origin, createEndpoint(origin))}

2. Publish an event. A signed request lands in the inbox.

${curl(origin, publish)}

3. Read the log.

${curl(origin, readLog)}

Data and keys are kept in ${dataDir}. Ctrl-C ends the program.

`
}

/** The body is piped, as \`curl -d @-\` leaves out its line breaks: JSON allows none in a string. */
function curl(origin: string, body: string): string {
  return `  echo '${body}' |
    curl -s ${origin}/graphql -H "Authorization: Bearer $KEY" \\
      -H 'Content-Type: application/json' -d @-`
}

const createEndpoint = (origin: string) => `{
    "query": "mutation ($input: EndpointCreateInput!) {
      endpointCreate(input: $input) {
        ... on EndpointCreateSuccess { endpoint { id url } secret }
        ... on Error { message } } }",
    "variables": { "input": {
      "url": "${origin}/inbox/first", "eventTypes": ["*"] } } }`

const publish = `{
    "query": "mutation ($input: EventPublishInput!) {
      eventPublish(input: $input) {
        ... on EventPublishSuccess { event { id } deliveryCount }
        ... on Error { message } } }",
    "variables": { "input": {
      "eventType": "evaluation.completed",
      "payload": { "evaluationId": "2f4ad455", "score": 8, "maxScore": 10 } } } }`

const readLog = `{
    "query": "{ deliveries(first: 3) { nodes {
      eventType status endpoint { url }
      attempts { number result response { statusCode } } } } }" }`
