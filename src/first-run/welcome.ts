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

/**
 * What stands on the terminal when the embedded default is ready: plain text, to copy from. What
 * is needed again and again comes last, where it is still seen on a small screen.
 */
export function welcome(wish: Welcome): string {
  const { version, origin, adminKey, workspaceId, workspaceKey, dataDir } = wish
  return `
Postrider ${version} is ready. Three steps to copy into another terminal:

1. Create an endpoint. Its receiver is an inbox of this program.

  gql() { curl -s ${origin}/graphql -d @- \\
    -H 'Authorization: Bearer ${workspaceKey}' \\
    -H 'Content-Type: application/json'; echo; }

${command(createEndpoint(origin))}

2. Publish an event. A signed request lands in the inbox.

${command(publish)}

3. Read the log.

${command(readLog)}

  GraphiQL       ${origin}/graphql   the same story in four tabs
  Inbox          ${origin}/inbox/first
  Operator key   ${adminKey}
  Workspace      ${workspaceId}, "First workspace"
  Its key        ${workspaceKey}

Data and keys are kept in ${dataDir}. Ctrl-C ends the program.

`
}

/** Piped, as `curl -d @-` leaves out line breaks, which JSON does not allow in a string. */
function command(body: string): string {
  return `  echo '${body}' | gql`
}

const createEndpoint = (origin: string) => `{"query": "mutation ($input: EndpointCreateInput!) {
      endpointCreate(input: $input) {
        ... on EndpointCreateSuccess { endpoint { id url } secret }
        ... on Error { message } } }",
    "variables": {"input": {
      "url": "${origin}/inbox/first", "eventTypes": ["*"]}}}`

const publish = `{"query": "mutation ($input: EventPublishInput!) {
      eventPublish(input: $input) {
        ... on EventPublishSuccess { event { id } deliveryCount }
        ... on Error { message } } }",
    "variables": {"input": {"eventType": "evaluation.completed",
      "payload": {"evaluationId": "2f4ad455", "score": 8, "maxScore": 10}}}}`

const readLog = `{"query": "{ deliveries(first: 3) { nodes {
      eventType status endpoint { url }
      attempts { number result response { statusCode } } } } }"}`
