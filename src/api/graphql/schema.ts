import type { GraphQLSchema } from 'graphql'
import { builder } from './builder.ts'
import './scalars.ts'
import './errors.ts'
import './wire-format.ts'
import './workspace.ts'
import './api-key.ts'
import './event-type.ts'

/** The whole schema: every noun's file adds its part to the builder when it is imported. */
export const schema: GraphQLSchema = builder.toSchema()
