import type { Caller } from '../caller.ts'
import type { RateLimitState } from '../rate-limit.ts'
import { ScopeEnum } from './api-key.ts'
import { builder } from './builder.ts'
import { ApiKeyRef, WorkspaceRef } from './refs.ts'

const RateLimitRef = builder.objectRef<RateLimitState>('RateLimit').implement({
  description: 'How many requests a key may make in a minute, and has left.',
  fields: (t) => ({
    limit: t.exposeInt('limit', { description: 'Requests in a minute; 0: any number.' }),
    remaining: t.exposeInt('remaining', {
      description: 'What is left of the minute, this request counted; 0 where there is no limit.',
    }),
    resetAt: t.expose('resetAt', { type: 'DateTime', description: 'When the minute ends.' }),
  }),
})

const ViewerRef = builder.objectRef<Caller>('Viewer').implement({
  description: 'Who is calling.',
  fields: (t) => ({
    apiKey: t.field({
      type: ApiKeyRef,
      nullable: true,
      description: 'The key used; null for the operator key of the configuration.',
      resolve: ({ keyId }, _args, { loaders }) => (keyId ? loaders.apiKey.load(keyId) : null),
    }),
    scopes: t.field({
      type: [ScopeEnum],
      description: 'What the key may do, as it was given to it.',
      resolve: ({ scopes }) => [...scopes],
    }),
    workspace: t.field({
      type: WorkspaceRef,
      nullable: true,
      description: 'The workspace the key opens; null with an operator key.',
      resolve: ({ workspaceId }, _args, { loaders }) =>
        workspaceId ? loaders.workspace.load(workspaceId) : null,
    }),
    rateLimit: t.field({
      type: RateLimitRef,
      description: 'Where the key stands in the running minute.',
      resolve: (caller, _args, { services }) => services.rateLimiter.peek(caller),
    }),
  }),
})

builder.queryField('viewer', (t) =>
  t.field({
    type: ViewerRef,
    description: 'Who is calling, and what they may do.',
    resolve: (_root, _args, { caller }) => caller,
  }),
)
