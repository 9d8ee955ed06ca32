import type { Program } from './program.ts'

/** Runs `work` on all items, eight at a time. */
export async function eightAtATime<In, Out>(
  items: readonly In[],
  work: (item: In, index: number) => Promise<Out>,
): Promise<Out[]> {
  const results: Out[] = []
  const entries = items.entries()
  const worker = async () => {
    for (const [index, item] of entries) results[index] = await work(item, index)
  }
  await Promise.all(Array.from({ length: 8 }, worker))
  return results
}

/** A workspace of its own. */
export async function addWorkspace({ ask }: Program): Promise<string> {
  const answer = await ask<{ workspaceCreate: { workspace: { id: string } } }>(
    `mutation {
      workspaceCreate(input: { name: "bench" }) {
        ... on WorkspaceCreateSuccess { workspace { id } }
      }
    }`,
  )
  return answer.workspaceCreate.workspace.id
}

/** Makes sure the catalogue has these event types. */
export async function addEventTypes({ ask }: Program, names: readonly string[]): Promise<void> {
  await eightAtATime(names, async (name) => {
    await ask(
      `mutation ($name: String!) { eventTypeCreate(input: { name: $name }) { __typename } }`,
      { name },
    )
  })
}

/** Endpoints of one workspace, one for each URL. */
export type EndpointWish = {
  readonly workspaceId: string
  readonly urls: readonly string[]
  readonly eventType: string
  readonly timeoutSeconds?: number
}

/** Adds endpoints as a customer would, one after the other; answers their ids. */
export async function addEndpoints({ ask }: Program, wish: EndpointWish): Promise<string[]> {
  const { workspaceId, urls, eventType, timeoutSeconds = 15 } = wish
  return eightAtATime(urls, async (url) => {
    const answer = await ask<{ endpointCreate: { endpoint?: { id: string } } }>(
      `mutation ($input: EndpointCreateInput!) {
        endpointCreate(input: $input) {
          ... on EndpointCreateSuccess { endpoint { id } }
          ... on Error { message }
        }
      }`,
      { input: { workspaceId, url, timeoutSeconds, eventTypes: [eventType] } },
    )
    const { endpoint } = answer.endpointCreate
    if (!endpoint) throw new Error(JSON.stringify(answer))
    return endpoint.id
  })
}

/** Turns endpoints on or off. */
export async function switchEndpoints(
  { ask }: Program,
  ids: readonly string[],
  to: 'Enable' | 'Disable',
): Promise<void> {
  await eightAtATime(ids, async (id) => {
    await ask(
      `mutation ($id: ID!) { endpoint${to}(input: { id: $id }) { ... on Error { message } } }`,
      { id },
    )
  })
}
