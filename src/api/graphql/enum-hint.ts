import { isEnumType } from 'graphql'
import { schema } from './schema.ts'

const wrongValue = /(?:does not exist in "(\w+)" enum|Enum "(\w+)" cannot represent)/

/** GraphQL names the values that come near a wrong one; where none does, all that there are. */
export function withEnumValues(message: string): string {
  const [, named, typed] = wrongValue.exec(message) ?? []
  const type = schema.getType(named ?? typed ?? '')
  if (!isEnumType(type) || message.includes('Did you mean the enum value')) return message
  const names = type.getValues().map(({ name }) => name)
  return `${message} Known: ${names.join(', ')}.`
}
