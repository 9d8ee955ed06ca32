/** One tab of GraphiQL. */
export type Tab = { readonly query: string; readonly variables: string }

/**
 * The whole story in order, each tab run by one click: nothing has to be pasted from one into the
 * next. `origin` is where this program is reached from itself.
 */
export function graphiqlTabs(origin: string): Tab[] {
  return [
    tab(createEndpoints(origin), {
      works: { url: `${origin}/inbox/works`, eventTypes: ['*'] },
      fails: { url: `${origin}/inbox/fails?status=500`, eventTypes: ['*'], retrySchedule },
    }),
    // Without variables: GraphiQL's editor of variables underlines an object as wrong here.
    tab(publish, {}),
    tab(readLog, { first: 4 }),
    tab(watch(origin), {}),
  ]
}

/** Soon at first, so that a retry is seen at once, and long enough to still go on in tab 4. */
const retrySchedule = [5, 5, 10, 10, 15, 15, 20, 20, 30, 30, 60, 60, 60, 60, 60, 60]

function tab(query: string, variables: object): Tab {
  return { query, variables: JSON.stringify(variables, null, 2) }
}

const createEndpoints = (origin: string) => `# 1 of 4: create endpoints.
#
# An endpoint has a URL and the types of events
# it wants; "*" is all of them. These two are
# inboxes of this program. One answers 200, the
# other fails on purpose. Open both in windows of
# their own:
#   ${origin}/inbox/works
#   ${origin}/inbox/fails
#
# Then press the triangle, or Ctrl-Enter.
mutation CreateEndpoints(
  $works: EndpointCreateInput!
  $fails: EndpointCreateInput!
) {
  works: endpointCreate(input: $works) {
    ...Created
  }
  fails: endpointCreate(input: $fails) {
    ...Created
  }
}

fragment Created on EndpointCreateResult {
  ... on EndpointCreateSuccess {
    endpoint { id url eventTypes status }
    # Signs every request. Shown this once.
    secret
  }
  ... on Error { code message }
}
`

const publish = `# 2 of 4: publish an event.
#
# The answer comes when the event and its
# deliveries are stored. Then look at the inboxes:
# a signed request lands in each.
mutation Publish {
  eventPublish(
    input: {
      eventType: "evaluation.completed"
      payload: {
        evaluationId: "2f4ad455"
        status: "COMPLETED"
        score: 8
        maxScore: 10
      }
    }
  ) {
    ... on EventPublishSuccess {
      event { id createdAt payloadText }
      deliveryCount
    }
    ... on Error { code message }
  }
}
`

const readLog = `# 3 of 4: read the log, newest first.
#
# A delivery is one event on its way to one
# endpoint. Each attempt shows the answer as it
# came, and the request as it was sent.
query ReadLog($first: Int!) {
  deliveries(first: $first) {
    nodes {
      id
      eventType
      status
      nextAttemptAt
      endpoint { url }
      attempts {
        number
        result
        durationMs
        response { statusCode body }
        request { body headers { name value } }
      }
    }
  }
}
`

const watch = (origin: string) => `# 4 of 4: watch it live, over WebSocket.
#
# Every change of a delivery, as it happens. The
# one that fails is retried while you watch. For
# more, publish from a second window (tab 2) at
#   ${origin}/graphql
# as a subscription ends when its tab is left.
#
# What next: change a tab and run it again, press
# the book on the left for all there is to ask,
# and put a URL of your own into tab 1.
subscription Watch {
  deliveryChanges {
    ... on DeliveryChange {
      changedAt
      previousStatus
      status
      delivery {
        eventType
        attemptCount
        nextAttemptAt
        endpoint { url }
      }
      attempt {
        result
        response { statusCode }
      }
    }
    # Says that the stream lives, every 15 s.
    ... on StreamCheckpoint { cursor }
    ... on StreamReset { cursor reason }
  }
}
`
