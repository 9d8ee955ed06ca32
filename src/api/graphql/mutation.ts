import type { InputRef, ObjectRef } from '@pothos/core'
import type { GraphQLFieldResolver, GraphQLResolveInfo } from 'graphql'
import type { Scope } from '../../model/api-key.ts'
import { builder } from './builder.ts'
import type { Context } from './context.ts'
import { asResult, type ResultErrorClass } from './errors.ts'

type SchemaTypes = (typeof builder)['$inferSchemaTypes']

/** One mutation: noun first, one argument, and a union of what can come of it. */
export type MutationRule<Input, Success> = {
  /** As `workspaceCreate`; the result is then called `WorkspaceCreateResult`. */
  readonly name: string
  readonly description: string
  /** What the caller's key must hold. */
  readonly scope: Lowercase<Scope>
  readonly input: InputRef<Input>
  readonly success: ObjectRef<SchemaTypes, Success>
  /** The refusals that are results. Any other is a top-level error. */
  readonly errors: readonly ResultErrorClass[]
  readonly resolve: (input: Input, context: Context, info: GraphQLResolveInfo) => Promise<Success>
}

/** Adds a mutation to the schema. All of them are alike, and this is how. */
export function addMutation<Input, Success>(rule: MutationRule<Input, Success>): void {
  const { name, description, scope, errors } = rule
  const resultName = `${name.charAt(0).toUpperCase()}${name.slice(1)}Result`
  const run: Resolve = async (_root, ...[args, context, info]) => {
    // Mutations of one request run one after another: what the last one read may be out of date.
    for (const loader of Object.values(context.loaders)) loader.clearAll()
    try {
      return await rule.resolve(args.input as Input, context, info)
    } catch (error) {
      throw asResult(error, errors)
    }
  }
  builder.mutationField(name, (t) =>
    t.field({
      type: rule.success,
      description,
      authScopes: { [scope]: true },
      args: { input: t.arg({ type: rule.input, required: true, description: 'What to do.' }) },
      errors: {
        types: [...errors],
        directResult: true,
        union: { name: resultName, description: `What can come of \`${name}\`.` },
      },
      // The builder's own types do not follow a type that is a parameter here.
      resolve: run as never,
    }),
  )
}

type Resolve = GraphQLFieldResolver<unknown, Context, { input: unknown }>
