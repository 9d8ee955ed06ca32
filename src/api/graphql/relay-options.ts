import { z } from 'zod'
import { nodesMax, pageSizeMax } from '../../limits.ts'
import { decodeNodeId } from './node-id.ts'

const isFew = (ids: readonly unknown[]) => ids.length <= nodesMax
const wrongCount = {
  error: ({ input }: { input?: unknown }) => {
    return `ids: at most ${nodesMax} at once; got ${(input as readonly unknown[]).length}.`
  },
}

/** How the Relay plugin builds its types here: global ids are our public ids as they are. */
export const relayOptions = {
  cursorType: 'String',
  encodeGlobalID: (_type: string, id: string | number | bigint) => String(id),
  decodeGlobalID: decodeNodeId,
  brandLoadedObjects: true,
  idFieldOptions: { description: 'Names it everywhere, for good.' },
  nodeTypeOptions: { description: 'Anything that can be found by its id alone.' },
  nodeQueryOptions: {
    description: 'Anything by its id; null where there is nothing, or nothing this key may see.',
    args: { id: { description: 'Its id.' } },
  },
  nodesQueryOptions: {
    description: 'Several things by their ids, in the order asked; null for each not found.',
    args: {
      ids: {
        description: `At most ${nodesMax}.`,
        validate: z.array(z.unknown()).refine(isFew, wrongCount),
      },
    },
  },
  firstArgOptions: { description: `How many to read from the newest on: 1 to ${pageSizeMax}.` },
  afterArgOptions: { description: 'Reads what is older than this cursor.' },
  lastArgOptions: { description: `How many to read from the oldest on: 1 to ${pageSizeMax}.` },
  beforeArgOptions: { description: 'Reads what is newer than this cursor.' },
  pageInfoTypeOptions: { description: 'Where a page is in its list.' },
  hasNextPageFieldOptions: { description: 'Whether there is something older.' },
  hasPreviousPageFieldOptions: { description: 'Whether there is something newer.' },
  startCursorFieldOptions: { description: 'The first cursor; null on an empty page.' },
  endCursorFieldOptions: { description: 'The last cursor; null on an empty page.' },
} as const
