import SchemaBuilder from '@pothos/core'
import ErrorsPlugin from '@pothos/plugin-errors'
import RelayPlugin from '@pothos/plugin-relay'
import ScopeAuthPlugin from '@pothos/plugin-scope-auth'
import ValidationPlugin from '@pothos/plugin-validation'
import { invalidInput } from '../../errors.ts'
import type { Scope } from '../../model/api-key.ts'
import { holds } from '../caller.ts'
import { forbidden } from '../problem.ts'
import type { Context } from './context.ts'
import { relayOptions } from './relay-options.ts'

/** What each custom scalar is to resolvers. */
type Scalars = {
  ID: { Input: string; Output: string }
  DateTime: { Input: Date; Output: Date }
  JSON: { Input: unknown; Output: unknown }
  URL: { Input: string; Output: string }
}

type AuthScopes = { [Name in Lowercase<Scope>]: boolean }

/**
 * The schema's builder: every noun's file adds its types and fields to it, `schema.ts` imports
 * them all. Nothing is nullable unless it says so. Scopes go on types, because a scope on a field
 * alone is bypassed through `node(id:)`.
 */
export const builder = new SchemaBuilder<{
  Context: Context
  Scalars: Scalars
  AuthScopes: AuthScopes
  DefaultFieldNullability: false
}>({
  // Errors first: what the others throw passes through it. Validation last: its issues are input.
  plugins: [ErrorsPlugin, RelayPlugin, ScopeAuthPlugin, ValidationPlugin],
  defaultFieldNullability: false,
  errors: { directResult: true, defaultTypes: [] },
  scopeAuth: {
    // Else a subscription would begin, and be refused with each of its events.
    authorizeOnSubscribe: true,
    authScopes: ({ caller }) => ({
      operator: holds(caller, 'OPERATOR'),
      manage: holds(caller, 'MANAGE'),
      publish: holds(caller, 'PUBLISH'),
      read: holds(caller, 'READ'),
    }),
    unauthorizedError: (_parent, { caller }, { parentType, fieldName }) =>
      forbidden(`${parentType.name}.${fieldName}`, caller.scopes),
  },
  validation: {
    validationError: ({ issues }) =>
      invalidInput(
        issues.map(({ path = [], message }) => ({
          path: path.map((key) => String(typeof key === 'object' ? key.key : key)),
          message,
        })),
      ),
  },
  relay: relayOptions,
})

builder.queryType({ description: 'What can be read.' })
builder.mutationType({ description: 'What can be changed.' })
builder.subscriptionType({
  description: 'What can be watched, over WebSocket or as server-sent events at `/graphql/stream`.',
})
